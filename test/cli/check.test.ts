import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCheck } from '../../src/cli/check.ts'
import { depsWith, fileWith } from '../rules-file/deps.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-check-'))
})
afterAll(() => rm(directory, { recursive: true }))

const check = async (text: string | null, ...more: string[]) => {
  const path = join(directory, 'rules.json')
  if (text !== null) await writeFile(path, text)
  let out = ''
  let err = ''
  const io = { stdout: { write: (t: string) => (out += t) }, stderr: { write: (t: string) => (err += t) } }
  const code = await runCheck(text === null ? more : [path, ...more], io, depsWith())
  return { code, out: out.replaceAll(directory, ''), err: err.replaceAll(directory, '') }
}

test('a good file is fine, and counted', async () => {
  expect(await check(fileWith({}))).toEqual({
    code: 0,
    out: '/rules.json is fine: 1 site, 1 rule, 1 integration\n',
    err: '',
  })
})

test('doubts are printed, and do not fail it', async () => {
  const { code, out, err } = await check(fileWith({ rule: { enabled: false } }))
  expect(code).toBe(0)
  expect(out).toBe('/rules.json is fine: 1 site, 1 rule, 1 integration, 1 warning\n')
  expect(err).toMatch(
    /^\/rules\.json:\d+:\d+ {2}warning: sites\[0\]\.rules\[0\]\.enabled: the rule "r" is switched off\n$/,
  )
})

test('every problem is printed with its place, in the order of the file', async () => {
  const { code, out, err } = await check(
    '{ "sites": [\n{ "id": "a", "hosts": ["a.example"], "origin": "x",\n"rules": [], "integrations": 5 } ],\n"more": 1 }',
  )
  expect({ code, out }).toEqual({ code: 78, out: '' })
  expect(err).toBe(
    [
      '/rules.json:2:48  sites[0].origin: must be an http:// or https:// address',
      '/rules.json:3:30  sites[0].integrations: expected a list, found the number 5',
      '/rules.json:4:1  more: unknown key "more"',
      '/rules.json: 3 problems',
      '',
    ].join('\n'),
  )
})

test('a file that is not there is bad configuration', async () => {
  const { code, err } = await check(null, join(directory, 'missing.json'))
  expect(code).toBe(78)
  expect(err).toContain('/missing.json  the rules file cannot be read: there is no such file\n')
})

test.each([[[]], [['--help']], [['a.json', 'b.json']]])('%j is a question of usage', async (args) => {
  const { code, err } = await check(null, ...args)
  expect(code).toBe(2)
  expect(err).toContain('usage: sluice check')
})
