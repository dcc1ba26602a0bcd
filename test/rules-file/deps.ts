import { z } from 'zod'
import { limitedUse } from '../../src/destinations/flagged.ts'
import type { RulesDeps } from '../../src/rules-file/load.ts'
import type { Platforms } from '../../src/rules-file/schema.ts'

/** Two platforms of the tests' own: what the rules file does must not depend on any one destination. */
export const platforms: Platforms = {
  alpha: {
    aliases: ['a1'],
    consent: 'marketing',
    flagged: { ...limitedUse, needs: 'analytics' },
    settings: z.strictObject({
      pixel: z.string().regex(/^\d+$/, 'digits'),
      token: z.string().min(3).meta({ secret: true }),
      mode: z.enum(['live', 'dry']).optional(),
    }),
  },
  hook: {
    aliases: [],
    settings: z
      .strictObject({
        url: z.string(),
        headers: z.record(z.string(), z.string()).optional(),
        auth: z
          .discriminatedUnion('type', [
            z.strictObject({ type: z.literal('none') }),
            z.strictObject({ type: z.literal('bearer'), token: z.string() }),
          ])
          .optional(),
      })
      .refine(({ url, headers }) => url !== '' || headers !== undefined, { error: 'goes nowhere' }),
  },
}

export const depsWith = (secrets: Readonly<Record<string, string>> = { TOKEN: 'sesame' }): RulesDeps => ({
  platforms,
  resolveSecret: (reference) => {
    const name = '$env' in reference ? reference.$env : reference.$file
    const value = secrets[name]
    return value === undefined ? { problem: `the variable ${name} is not set` } : { value }
  },
})

/** A file whose one rule and one integration can be replaced. */
export const fileWith = (parts: {
  rule?: object
  action?: object
  match?: object
  site?: object
  integrations?: object[]
}): string =>
  JSON.stringify(
    {
      sites: [
        {
          id: 'shop',
          hosts: ['shop.example', '*.shop.example'],
          origin: 'https://origin.example',
          rules: [
            {
              id: 'r',
              match: parts.match ?? { path: '/a' },
              actions: [{ type: 'fire_conversion_event', eventType: 'purchase', ...parts.action }],
              ...parts.rule,
            },
          ],
          integrations: parts.integrations ?? [
            { id: 'main', platform: 'alpha', config: { pixel: '1', token: { $env: 'TOKEN' } } },
          ],
          ...parts.site,
        },
      ],
    },
    null,
    2,
  )
