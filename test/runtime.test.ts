import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** What `npm` runs, it runs under the Node that the project brings: type stripping and node:sqlite hang on its version. */

const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  readonly engines: { readonly node: string }
  readonly devDependencies: Readonly<Record<string, string>>
}
const run = promisify(execFile)

const atLeast = (version: string, wanted: string): boolean => {
  const [a, b] = [version, wanted].map((text) =>
    text
      .replace(/^[^\d]*/, '')
      .split('.')
      .map(Number),
  )
  const index = b!.findIndex((part, place) => part !== a![place])
  return index < 0 || (a![index] ?? 0) > b![index]!
}

test('the tests run under a Node that the product may be run with', () => {
  expect(manifest.engines.node).toMatch(/^>=\d+\.\d+$/)
  expect([process.versions.node, atLeast(process.versions.node, manifest.engines.node)]).toEqual([
    process.versions.node,
    true,
  ])
})

test('the Node that is installed with the project is one of them', () => {
  expect(atLeast(manifest.devDependencies['node'] ?? '0', manifest.engines.node)).toBe(true)
})

test(
  'npm start runs the command line, under the Node that the project brings',
  { timeout: 60_000 },
  async () => {
    // Asked of the same shell path that npm gives its scripts.
    const { stdout: version } = await run('npm', ['exec', '--offline', '--', 'node', '--version'], {
      cwd: root,
    })
    expect(atLeast(version.trim(), manifest.engines.node)).toBe(true)
    const { stdout } = await run('npm', ['run', '-s', 'start', '--', 'help'], { cwd: root })
    expect(stdout).toMatch(/^usage: sluice <command>/)
  },
)

test.each(['node:sqlite', 'node:zlib', 'node:worker_threads'])('%s is there without a flag', async (name) => {
  const module = (await import(name)) as Readonly<Record<string, unknown>>
  expect(module['DatabaseSync'] ?? module['zstdCompressSync'] ?? module['Worker']).toBeTypeOf('function')
})
