import { getDomain } from 'tldts'
import { z } from 'zod'

/** The settings of the cookies that the gateway itself sets. */

/** Browsers keep no cookie longer (draft-ietf-httpbis-rfc6265bis, section 5.5). */
const longestDays = 400

/** How long platforms' own tags keep a click, and how far back platforms look. */
export const defaultMaxAgeDays = 90

export const identitySchema = z
  .strictObject({
    setCookies: z.boolean().meta({
      title: 'Set cookies',
      description:
        'Whether click ids and browser ids are kept in first-party cookies that the gateway sets, with marketing consent only and never on a page that a shared cache may keep. The plugin sets none.',
      examples: [true],
    }),
    cookieDomain: z
      .string()
      .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/, 'a name in lower case without a leading dot, as in example.com')
      .refine(
        (text) => !/^[a-z0-9_.-]+$/.test(text) || getDomain(text, { allowPrivateDomains: true }) !== null,
        {
          error:
            'is no domain that a site can set cookies for: it is an address, or a suffix that many sites share',
        },
      )
      .meta({
        title: 'Cookie domain',
        description:
          'The domain of the cookies; every host of the site must be it or lie below it. When absent, the longest one that browsers allow, by the public suffix list.',
        examples: ['example.com'],
      })
      .optional(),
    maxAgeDays: z
      .int()
      .min(1)
      .max(longestDays)
      .meta({
        title: 'Days',
        description: `How long a click is remembered, in days from when it was first seen; ${defaultMaxAgeDays} when absent.`,
        examples: [defaultMaxAgeDays],
      })
      .optional(),
    secure: z
      .boolean()
      .meta({
        title: 'Secure',
        description:
          'Whether the cookies are marked Secure. When absent, those are that answer a request over https, by our own listener or by the word of a trusted proxy.',
      })
      .optional(),
    fbp: z
      .boolean()
      .meta({
        title: 'Create _fbp',
        description:
          "Whether visitors who have none of Meta's browser ids get one; true when absent. Those that Meta's pixel made are kept either way.",
      })
      .optional(),
  })
  .meta({ title: 'Identity', description: 'How long visitors who came by an ad are known to have done so.' })
export type IdentitySettings = z.infer<typeof identitySchema>
