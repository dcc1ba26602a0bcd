import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadRules } from '../../src/rules-file/load.ts'
import type { Loaded, RulesDeps } from '../../src/rules-file/load.ts'
import { parseRules } from '../../src/rules-file/parse.ts'
import { watchRules } from '../../src/rules-file/watch.ts'
import type { RulesWatch, WatchOptions } from '../../src/rules-file/watch.ts'
import { depsWith, fileWith } from './deps.ts'

let directory: string
let path: string
let watching: RulesWatch | null = null
/** The path pattern of each set put in force, and the first word said of each that was refused. */
let loaded: unknown[] = []
let refused: string[] = []

const rules = (pattern: string): string => fileWith({ match: { path: pattern } })
const patternOf = ({ sites }: Loaded): unknown => sites[0]?.traffic.rules[0]?.match.path

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-watch-'))
  path = join(directory, 'rules.json')
  loaded = []
  refused = []
})
afterEach(async () => {
  watching?.close()
  watching = null
  await rm(directory, { recursive: true })
})

const start = async (
  file = path,
  options: Partial<WatchOptions> = {},
  deps: RulesDeps = depsWith(),
): Promise<RulesWatch> => {
  const first = await loadRules(file, deps)
  watching = watchRules(file, (text) => parseRules(text, deps), {
    hash: first.hash,
    onLoaded: (next) => {
      loaded.push(patternOf(next))
    },
    onRefused: ([problem]) => refused.push(problem!.message),
    debounceMs: 20,
    pollMs: 60_000,
    ...options,
  })
  return watching
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 8000, interval: 10 })

describe('a change is put in force', () => {
  test('when the file is written in place', async () => {
    await writeFile(path, rules('/one'))
    await start()
    await writeFile(path, rules('/two'))
    await until(() => expect(loaded).toEqual(['/two']))
    expect(refused).toEqual([])
  })

  test('when an editor puts another file in its place, again and again', async () => {
    await writeFile(path, rules('/one'))
    await start()
    for (const pattern of ['/two', '/three', '/four']) {
      await writeFile(`${path}.tmp`, rules(pattern))
      await rename(`${path}.tmp`, path)
      await until(() => expect(loaded.at(-1)).toBe(pattern))
    }
    expect(refused).toEqual([])
  })

  test('when a config map swaps the link behind the file', async () => {
    for (const [version, pattern] of [
      ['..v1', '/one'],
      ['..v2', '/two'],
    ] as const) {
      await mkdir(join(directory, version))
      await writeFile(join(directory, version, 'rules.json'), rules(pattern))
    }
    await symlink('..v1', join(directory, '..data'))
    await symlink('..data/rules.json', path)
    await start()
    await symlink('..v2', join(directory, '..data_tmp'))
    await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    await until(() => expect(loaded).toEqual(['/two']))
  })

  test('when the file is a link into another directory, and is written there', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'sluice-watch-target-'))
    try {
      await writeFile(join(elsewhere, 'real.json'), rules('/one'))
      await symlink(join(elsewhere, 'real.json'), path)
      await start()
      // Where the link leads is found out in the background: written until it is seen.
      await vi.waitFor(
        async () => {
          await writeFile(join(elsewhere, 'real.json'), rules('/two'))
          expect(loaded).toEqual(['/two'])
        },
        { timeout: 8000, interval: 100 },
      )
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })

  test('when no event comes, at the next look', async () => {
    await mkdir(join(directory, 'late'))
    const late = join(directory, 'late', 'rules.json')
    await writeFile(late, rules('/one'))
    await start(late, { debounceMs: 600_000, pollMs: 30 })
    await writeFile(late, rules('/two'))
    await until(() => expect(loaded).toEqual(['/two']))
  })

  test('when the directory itself is put in place of another', async () => {
    const inner = join(directory, 'conf')
    await mkdir(inner)
    await writeFile(join(inner, 'rules.json'), rules('/one'))
    await start(join(inner, 'rules.json'), { pollMs: 30 })
    await rename(inner, `${inner}.old`)
    await mkdir(inner)
    await writeFile(join(inner, 'rules.json'), rules('/two'))
    await until(() => expect(loaded.at(-1)).toBe('/two'))
    await writeFile(join(inner, 'rules.json'), rules('/three'))
    await until(() => expect(loaded.at(-1)).toBe('/three'))
  })
})

describe('the old rules stay in force', () => {
  test('while the new file is half written, until it is whole', async () => {
    await writeFile(path, rules('/one'))
    await start()
    const whole = rules('/two')
    await writeFile(path, whole.slice(0, whole.length / 2))
    await until(() => expect(refused).toHaveLength(1))
    expect(loaded).toEqual([])
    await writeFile(path, whole)
    await until(() => expect(loaded).toEqual(['/two']))
  })

  test('while the file is gone, until it is there again', async () => {
    await writeFile(path, rules('/one'))
    await start()
    await rm(path)
    await until(() => expect(refused).toEqual(['the rules file cannot be read: there is no such file']))
    expect(loaded).toEqual([])
    await writeFile(path, rules('/two'))
    await until(() => expect(loaded).toEqual(['/two']))
  })

  test('when the new ones cannot be put in force', async () => {
    await writeFile(path, rules('/one'))
    await start(path, {
      onLoaded: async () => {
        throw new Error('no port')
      },
    })
    await writeFile(path, rules('/two'))
    await until(() => expect(refused).toEqual(['the rules could not be put in force: no port']))
  })

  test('when the same text is written again', async () => {
    await writeFile(path, rules('/one'))
    await start()
    await writeFile(path, rules('/one'))
    await writeFile(join(directory, 'neighbour'), 'x')
    // A change that does count comes behind it: whatever the first writes caused has been seen by then.
    await writeFile(path, rules('/two'))
    await until(() => expect(loaded).toEqual(['/two']))
    expect(refused).toEqual([])
  })
})

describe('reload', () => {
  test('reads at once, and answers with what it found', async () => {
    await writeFile(path, rules('/one'))
    const { reload } = await start(path, { debounceMs: 600_000 })
    await writeFile(path, rules('/two'))
    expect(await reload()).toMatchObject({ ok: true })
    expect(loaded).toEqual(['/two'])
    await writeFile(path, '{')
    expect(await reload()).toMatchObject({ ok: false })
    expect(refused).toHaveLength(1)
  })

  test('takes the same text again, for a secret may have changed', async () => {
    const secrets = { TOKEN: 'first' }
    await writeFile(path, rules('/one'))
    const settings: unknown[] = []
    const { reload } = await start(
      path,
      { onLoaded: ({ sites }) => void settings.push(sites[0]?.integrations[0]?.settings) },
      depsWith(secrets),
    )
    secrets.TOKEN = 'second'
    await reload()
    expect(settings).toEqual([{ pixel: '1', token: 'second' }])
  })

  test('that is still being judged at the end is not put in force', async () => {
    await writeFile(path, rules('/one'))
    const judged = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    watching = watchRules(
      path,
      async (text) => {
        asked.resolve()
        await judged.promise
        return parseRules(text, depsWith())
      },
      { hash: '', onLoaded: () => void loaded.push('loaded'), onRefused: () => void refused.push('refused') },
    )
    const reloading = watching.reload()
    await asked.promise
    watching.close()
    judged.resolve()
    expect(await reloading).toMatchObject({ ok: false })
    expect([loaded, refused]).toEqual([[], []])
  })

  test('after the end says so, and loads nothing', async () => {
    await writeFile(path, rules('/one'))
    const { reload, close } = await start()
    close()
    await writeFile(path, rules('/two'))
    expect(await reload()).toMatchObject({ ok: false })
    expect([loaded, refused]).toEqual([[], []])
  })
})
