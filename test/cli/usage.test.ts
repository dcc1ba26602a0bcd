import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { run as explain } from '../../src/cli/explain.ts'
import { run as replay } from '../../src/cli/replay.ts'
import { run as start } from '../../src/cli/start.ts'
import { UsageError } from '../../src/config.ts'
import { runSluice } from '../support/gateway-process.ts'
import { secrets, smallRules, temporaryFolder } from './folder.ts'

vi.setConfig({ testTimeout: 30_000 })

/** What somebody reads who wrote the wrong thing: one clear message, the right exit code, and nothing started. */

interface Row {
  readonly name: string
  readonly args: readonly string[]
  readonly code: number
  readonly says: readonly (string | RegExp)[]
  readonly env?: Readonly<Record<string, string>>
}

const flags = [
  '--rules',
  '--listen',
  '--store',
  '--trusted-proxies',
  '--allow-private-networks',
  '--log-level',
]

/** From the shell, once for each kind of mistake. */
const fromTheShell: readonly Row[] = [
  {
    name: 'a command there is not',
    args: ['strat'],
    code: 2,
    says: ['there is no command "strat"', 'usage: sluice'],
  },
  {
    name: 'a command from the prototype',
    args: ['constructor'],
    code: 2,
    says: ['there is no command "constructor"'],
  },
  {
    name: 'a flag there is not',
    args: ['start', '--lisen', ':80'],
    code: 2,
    says: ['sluice start: ', "Unknown option '--lisen'", 'known flags', ...flags],
  },
  {
    name: 'a variable with the wrong form, by its own name',
    args: ['start'],
    env: { SLUICE_LISTEN: 'everywhere' },
    code: 2,
    says: ['SLUICE_LISTEN: "everywhere" is no address to listen on'],
  },
  {
    name: 'replay on a store that is not there',
    args: ['replay', '--store', 'sqlite:./no/such/sluice.db'],
    code: 78,
    says: ['there is no store at ./no/such/sluice.db', '--store'],
  },
  {
    name: 'demo with a flag there is not',
    args: ['demo', '--twice'],
    code: 2,
    says: ["Unknown option '--twice'", '--once'],
  },
  {
    name: 'start without a rules file',
    args: ['start', '--rules', 'no-such-rules.json'],
    code: 78,
    says: ['no-such-rules.json', 'there is no such file'],
  },
]

/** The rest of what a command finds wrong before it begins. */
const rows: readonly Pick<Row, 'name' | 'args' | 'says'>[] = [
  {
    name: 'a flag without its value',
    args: ['start', '--listen'],
    says: ['--listen', 'argument missing'],
  },
  { name: 'a word too many', args: ['start', 'rules.json'], says: ['unexpected "rules.json"'] },
  {
    name: 'a port without its colon',
    args: ['start', '--listen', '8080'],
    says: ['--listen: "8080" is no address to listen on; write it as :8080 or 127.0.0.1:8080'],
  },
  {
    name: 'a port there is not',
    args: ['start', '--listen', '127.0.0.1:70000'],
    says: ['--listen: "127.0.0.1:70000"'],
  },
  {
    name: 'a network with too many bits',
    args: ['start', '--trusted-proxies', '10.0.0.0/8, 10.0.0.0/33'],
    says: ['--trusted-proxies: "10.0.0.0/33" is no network; write it as 10.0.0.0/8 or 2001:db8::/32'],
  },
  {
    name: 'a network that is a name',
    args: ['start', '--allow-private-networks', 'intranet'],
    says: ['--allow-private-networks: "intranet" is no network'],
  },
  {
    name: 'a store there is not',
    args: ['start', '--store', 'postgres://db/sluice'],
    says: ['--store: "postgres://db/sluice"', 'sqlite:./data/sluice.db'],
  },
  {
    name: 'a log level there is not',
    args: ['start', '--log-level', 'verbose'],
    says: ['--log-level: "verbose" is none of', 'debug'],
  },
  {
    name: 'a retention that is no number of days',
    args: ['start', '--retention-days', '0.5'],
    says: ['--retention-days: "0.5" is no number of days between 1 and 3650'],
  },
  {
    name: 'a rate of ingest that lets nobody in',
    args: ['start', '--ingest-requests-per-second', '0'],
    says: ['--ingest-requests-per-second: "0" is no number of requests between 1 and 100000'],
  },
  {
    name: 'explain without an address',
    args: ['explain'],
    says: ['an address is missing', 'usage: sluice explain'],
  },
  {
    name: 'explain with something that is no address',
    args: ['explain', 'shop.example.com/thanks'],
    says: ['"shop.example.com/thanks" is no http:// or https:// address'],
  },
  {
    name: 'explain with a header that is none',
    args: ['explain', 'http://shop.example.com/', '--header', 'nonsense'],
    says: ['--header: "nonsense" is no header; write it as "Name: value"'],
  },
  {
    name: 'explain with a status that is none',
    args: ['explain', 'http://shop.example.com/', '--status', 'paid'],
    says: ['--status: "paid" is no final HTTP status'],
  },
  {
    name: 'replay of an integration without its site',
    args: ['replay', '--integration', 'meta'],
    says: ['--integration: "meta" names no site; write it as site/integration'],
  },
  {
    name: 'replay from a time that is none',
    args: ['replay', '--from', 'yesterday'],
    says: ['--from: "yesterday" is no time; write it as 2026-11-20T08:00Z, 36h or 7d'],
  },
]

describe('used wrongly', () => {
  const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
    start,
    explain,
    replay,
  }
  test.each(rows)('$name', async ({ args: [command = '', ...args], says }) => {
    const refusal: unknown = await commands[command]!(args).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(UsageError)
    for (const words of says) expect((refusal as UsageError).message).toMatch(words)
  })

  test.each(fromTheShell)('$name, from the shell', async ({ args, code, says, env = {} }) => {
    const ran = await runSluice(args, env)
    expect(ran.code).toBe(code)
    const said = ran.stderr === '' ? ran.stdout : ran.stderr
    for (const words of says) expect(said).toMatch(words)
    // Words, not a stack: nobody looks for their mistake in our sources.
    expect(said).not.toMatch(/\n\s+at .*\(?(file|node):/)
  })

  test('no command prints what there is, and help is no mistake', async () => {
    const [nothing, help] = await Promise.all([runSluice([]), runSluice(['help'])])
    expect([nothing.code, help.code]).toEqual([2, 0])
    for (const name of ['start', 'check', 'explain', 'schema', 'demo', 'replay'])
      expect(help.stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
    expect(nothing.stdout).toBe(help.stdout)
  })

  test('replay on a mistyped path makes no store there', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'typo.db')
    expect((await runSluice(['replay', '--dry-run', '--store', `sqlite:${path}`])).code).toBe(78)
    expect(existsSync(path)).toBe(false)
  })
})

describe('a start that cannot be stops at once, with 78, and leaves nothing behind', () => {
  test('every problem of the rules file is told at once, with its line and the right form', async () => {
    await using folder = await temporaryFolder()
    const rules = await folder.write(
      'rules.json',
      `{ "sites": [{ "id": "shop", "hosts": ["Shop.example.com"], "orign": "https://o.example.net",
  "rules": [{ "id": "a", "match": { "path": "/x" },
    "actions": [{ "type": "fire_conversion_event", "eventTyp": "purchase" }] }],
  "integrations": [{ "id": "m", "platform": "metta", "config": {} }] }] }`,
    )
    const database = join(folder.path, 'data', 'sluice.db')
    const ran = await runSluice([
      'start',
      '--rules',
      rules,
      '--listen',
      '127.0.0.1:0',
      '--store',
      `sqlite:${database}`,
    ])
    expect(ran.code).toBe(78)
    const lines = ran.stderr.trim().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/rules\.json:1:39 .*hosts\[0\].*lower case/),
      expect.stringMatching(/rules\.json:1:60 .*"orign"; did you mean "origin"\?/),
      expect.stringMatching(/rules\.json:3:52 .*"eventTyp"; did you mean "eventType"\?/),
      expect.stringMatching(/rules\.json:4:45 .*"metta"; did you mean "meta"\?/),
    ])
    expect(ran.stdout).not.toContain('ready')
    expect(existsSync(database)).toBe(false)
  })

  test('missing secrets are named, every one of them', async () => {
    await using folder = await temporaryFolder()
    const rules = await folder.write('rules.json', smallRules())
    const ran = await runSluice([
      'start',
      '--rules',
      rules,
      '--listen',
      '127.0.0.1:0',
      '--store',
      `sqlite:${folder.path}/s.db`,
    ])
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain('config.accessToken: the environment variable META_TOKEN is not set')
    expect(ran.stderr).toContain('config.auth.secret: the environment variable HOOK_SECRET is not set')
    expect(existsSync(join(folder.path, 's.db'))).toBe(false)
  })

  test('a secret of the wrong form is told without being shown', async () => {
    await using folder = await temporaryFolder()
    const rules = await folder.write('rules.json', smallRules())
    const ran = await runSluice(
      ['start', '--rules', rules, '--listen', '127.0.0.1:0', '--store', `sqlite:${folder.path}/s.db`],
      { ...secrets, HOOK_SECRET: 'swordfish' },
    )
    expect(ran.code).toBe(78)
    expect(ran.stderr).toMatch(/config\.auth\.secret: .*whsec_/)
    expect(ran.stderr).not.toContain('swordfish')
  })

  test('a sealing key that is none is told without being shown', async () => {
    await using folder = await temporaryFolder()
    const rules = await folder.write('rules.json', smallRules())
    const ran = await runSluice(
      ['start', '--rules', rules, '--listen', '127.0.0.1:0', '--store', `sqlite:${folder.path}/s.db`],
      { ...secrets, SLUICE_SECRET_KEY: 'c3dvcmRmaXNo' },
    )
    expect(ran.code).toBe(78)
    expect(ran.stderr).toMatch(/SLUICE_SECRET_KEY: .*32 bytes in base64.*openssl rand -base64 32/)
    expect(ran.stderr).not.toContain('c3dvcmRmaXNo')
  })

  test.each([
    { name: 'below a device', path: '/dev/null/data/sluice.db' },
    { name: 'below a file', path: `${import.meta.filename}/sluice.db` },
    { name: 'that is a directory', path: import.meta.dirname },
  ])('a data directory that cannot be written: $name', async ({ path }) => {
    await using folder = await temporaryFolder()
    const rules = await folder.write('rules.json', smallRules())
    const ran = await runSluice(
      ['start', '--rules', rules, '--listen', '127.0.0.1:0', '--store', `sqlite:${path}`],
      secrets,
    )
    expect(ran.code).toBe(78)
    expect(ran.stderr).toMatch(/^sluice start: store: The store \S+ cannot be opened/)
    expect(ran.stderr).toContain(path)
  })

  test('a file of another program is left as it was', async () => {
    await using folder = await temporaryFolder()
    const rules = await folder.write('rules.json', smallRules())
    const path = await folder.write('notes.db', 'these are my notes, and no database\n'.repeat(100))
    const ran = await runSluice(
      ['start', '--rules', rules, '--listen', '127.0.0.1:0', '--store', `sqlite:${path}`],
      secrets,
    )
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain('is no SQLite database')
  })
})
