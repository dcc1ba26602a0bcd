import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadRules } from '../../src/rules-file/load.ts'
import { depsWith, fileWith } from './deps.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-load-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('a good file is loaded', async () => {
  const path = join(directory, 'rules.json')
  await writeFile(path, fileWith({}))
  expect(await loadRules(path, depsWith())).toMatchObject({ ok: true, sites: [{ traffic: { id: 'shop' } }] })
})

test.each([
  ['missing.json', 'there is no such file'],
  ['.', 'it is a directory'],
])('%s that cannot be read is a problem, not an error', async (name, reason) => {
  expect(await loadRules(join(directory, name), depsWith())).toMatchObject({
    ok: false,
    problems: [{ line: 0, message: `the rules file cannot be read: ${reason}` }],
  })
})

test('bytes that are no UTF-8 are not guessed at', async () => {
  const path = join(directory, 'latin1.json')
  await writeFile(path, Buffer.from('{ "sites": "\u00fc" }', 'latin1'))
  expect(await loadRules(path, depsWith())).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('UTF-8') as string }],
  })
})
