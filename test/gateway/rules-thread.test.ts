import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rulesDeps } from '../../src/gateway/rules-deps.ts'
import { parseRules } from '../../src/rules-file/parse.ts'
import { parseInThread } from '../../src/gateway/rules-thread.ts'
import { folderOfItsOwn } from '../journeys/hosts.ts'

const fileOf = (token: object, more: object = {}): string =>
  JSON.stringify(
    {
      sites: [
        {
          id: 'shop',
          hosts: ['shop.example'],
          origin: 'https://origin.example',
          rules: Array.from({ length: 250 }, (_, index) => ({
            id: `r-${index}`,
            match: { path: [`/a/${index}`, '!/a/b'] },
            actions: [
              { type: 'fire_conversion_event', eventType: 'purchase', extract: { value: { meta: 'x' } } },
            ],
          })),
          integrations: [
            { id: 'meta', platform: 'meta', config: { pixelId: '1234567890', accessToken: token } },
          ],
          ...more,
        },
      ],
    },
    null,
    2,
  )

/** Both ways must say the same, to the last letter. */
const both = async (text: string, env: Readonly<Record<string, string>> = {}) => {
  const beside = await parseInThread(text, env)
  expect(beside).toEqual(parseRules(text, rulesDeps(env)))
  return beside
}

describe('a text is judged in a thread as it is in place', () => {
  test('with a secret of the environment it was given, not of the process', async () => {
    const loaded = await both(fileOf({ $env: 'ONLY_HERE' }), { ONLY_HERE: 'token-of-the-environment' })
    expect(loaded.ok && loaded.sites[0]!.integrations[0]!.settings).toMatchObject({
      accessToken: 'token-of-the-environment',
    })
    expect(loaded.ok && loaded.sites[0]!.traffic.rules.length).toBe(250)
  })

  test('with a secret in a file', async () => {
    await using folder = await folderOfItsOwn()
    const path = join(folder.path, 'token')
    await writeFile(path, 'token-of-the-file\n')
    const loaded = await both(fileOf({ $file: path }))
    expect(loaded.ok && loaded.sites[0]!.integrations[0]!.settings).toMatchObject({
      accessToken: 'token-of-the-file',
    })
  })

  test('with every problem at its line and column', async () => {
    const refused = await both(fileOf({ $env: 'MISSING' }, { orign: 'x', hosts: ['a b'] }))
    expect(!refused.ok && refused.problems.length).toBeGreaterThan(2)
    expect(!refused.ok && refused.problems.every(({ line, column }) => line > 0 && column > 0)).toBe(true)
  })

  test.each(['', '{', 'null', '[]', '{ "sites": [{}] }', '{ "sites": 1 } x'])(
    'even where it is %j',
    async (text) => {
      expect((await both(text)).ok).toBe(false)
    },
  )
})

test('a thread that cannot begin is a problem of its own, and no fault that goes unheard', async () => {
  // Nothing but text can be handed to a thread.
  const env = { TOKEN: (() => {}) as unknown as string }
  const result = await parseInThread('{}', env)
  expect(!result.ok && result.problems[0]!.message).toMatch(/^the rules file could not be judged: .*cloned/)
})
