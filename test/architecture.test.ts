import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { destinations } from '../src/destinations/index.ts'

/** The plan of the house, held against the house. */

const root = join(import.meta.dirname, '..')
const filesUnder = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** What a file imports of ours, statically, for types or when asked for, as paths from the root. */
const importsOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*|new URL\(\s*)'(\.{1,2}\/[^']+\.ts)'/g)].map(
    ([, path = '']) => relative(root, resolve(root, dirname(file), path)),
  )

/** The room of a file: a folder of `src/`, or a file that stands there by itself. */
const roomOf = (file: string): string => {
  const [top = '', room = ''] = file.split('/')
  return top === 'src' ? room : top
}

const rooms: Readonly<Record<string, readonly string[]>> = {
  event: [],
  destinations: ['event'],
  capture: ['event'],
  proxy: ['capture', 'event'],
  store: ['event'],
  sites: ['destinations', 'event', 'store'],
  delivery: ['clock.ts', 'destinations', 'event', 'sites', 'store'],
  admin: ['clock.ts', 'delivery', 'destinations', 'event', 'rules-file', 'sites', 'store'],
  'clock.ts': [],
  'config.ts': [],
  'log.ts': ['config.ts'],
}
/** Whoever may know what is behind the seams; the rest of the rooms may not. */
const wiring = ['cli', 'gateway', 'main.ts', 'index.ts', 'demo', 'test']

const sources = filesUnder('src')
const edges = sources.flatMap((from) => importsOf(from).map((to) => ({ from, to })))

describe('imports', () => {
  test('are found at all', () => {
    expect(edges.length).toBeGreaterThan(200)
    expect(importsOf('src/gateway/front.ts')).toContain('src/capture/observe.ts')
    expect(importsOf('src/main.ts')).toContain('src/cli/start.ts')
    expect(importsOf('src/store/sqlite/index.ts')).toContain('src/store/sqlite/worker.ts')
    expect(edges.filter(({ to }) => !existsSync(join(root, to)))).toEqual([])
  })

  test.each(Object.entries(rooms))('of %s lead nowhere but to itself and %j', (room, allowed) => {
    const strays = edges.filter(
      ({ from, to }) => roomOf(from) === room && roomOf(to) !== room && !allowed.includes(roomOf(to)),
    )
    expect(strays).toEqual([])
    expect(sources.some((file) => roomOf(file) === room)).toBe(true)
  })

  test('of a destination lead to no other destination: what several need stands beside them', () => {
    const platformOf = (file: string): string | undefined =>
      /^src\/destinations\/([^/]+)\/[^/]+$/.exec(file)?.[1]
    const strays = edges.filter(({ from, to }) => {
      const [own, other] = [platformOf(from), platformOf(to)]
      return own !== undefined && other !== undefined && own !== other
    })
    expect(strays).toEqual([])
  })

  test('only the wiring knows the gateway, the commands and the process', () => {
    const strays = edges.filter(
      ({ from, to }) => ['gateway', 'main.ts', 'cli'].includes(roomOf(to)) && !wiring.includes(roomOf(from)),
    )
    expect(strays).toEqual([])
  })

  test('the store is met as an interface, and its engine by nobody but the wiring', () => {
    const strays = edges.filter(
      ({ from, to }) =>
        roomOf(to) === 'store' && !['store', 'sites', 'delivery', 'admin', ...wiring].includes(roomOf(from)),
    )
    expect(strays).toEqual([])
    const engines = edges.filter(
      ({ from, to }) =>
        to.startsWith('src/store/sqlite/') &&
        !from.startsWith('src/store/') &&
        !wiring.includes(roomOf(from)),
    )
    expect(engines).toEqual([])
  })

  test('nothing of the product comes from the tests', () => {
    const strays = edges.filter(
      ({ from, to }) =>
        !['src', 'demo'].includes(to.split('/')[0] ?? '') ||
        (to.startsWith('demo/') && from !== 'src/cli/demo.ts'),
    )
    expect(strays).toEqual([])
  })
})

describe('sources', () => {
  const everywhere = [...sources, ...filesUnder('demo'), ...filesUnder('test')]

  test('name no place of anybody’s machine', () => {
    const absolute = /['"`](?:\/(?:home|Users|root|work|mnt|opt|srv|var|tmp)\/|[A-Z]:\\\\|~\/)/
    const here = resolve(root)
    expect(
      everywhere.filter(
        (file) =>
          file !== 'test/architecture.test.ts' &&
          (absolute.test(textOf(file)) || (here.length > 6 && textOf(file).includes(here))),
      ),
    ).toEqual([])
  })

  test('of the product reach for nothing outside the project', () => {
    const beyond = [...sources, ...filesUnder('demo')].flatMap((file) =>
      [...textOf(file).matchAll(/['"`]((?:\.\.\/)+[^'"`\n]*)['"`]/g)]
        .map(([, path = '']) => relative(root, resolve(root, dirname(file), path)))
        .filter((path) => path.startsWith('..'))
        .map((path) => `${file}: ${path}`),
    )
    expect(beyond).toEqual([])
    expect(sources.filter((file) => /\bSLUICE_CORPUS\b/.test(textOf(file)))).toEqual([])
  })

  test('read the environment in few places', () => {
    const readers = sources.filter((file) =>
      /\bprocess\.env\b/.test(textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    )
    expect(readers.filter((file) => !['cli', 'main.ts', 'config.ts'].includes(roomOf(file)))).toEqual([])
  })

  test('take time and chance from whoever calls, where the design wants a function of values', () => {
    const pure = sources.filter((file) => ['event', 'destinations', 'capture'].includes(roomOf(file)))
    expect(
      pure.filter((file) => /\bDate\.now\(\)|\bMath\.random\(\)|new Date\(\)/.test(textOf(file))),
    ).toEqual([])
  })
})

describe('every destination', () => {
  test.each(destinations.map(({ name }) => name))('%s has a strict stand-in and golden requests', (name) => {
    const [underscored, dashed] = [name, name.replaceAll('_', '-')]
    const standIn = [underscored, dashed]
      .map((one) => `test/platforms/${one}.ts`)
      .find((file) => existsSync(join(root, file)))
    expect(standIn, `a stand-in of ${name}`).toBeDefined()
    const golden = [underscored, dashed]
      .map((one) => join(root, 'test/golden', one))
      .find((folder) => existsSync(folder))
    expect(golden, `golden requests of ${name}`).toBeDefined()
    expect(readdirSync(golden ?? '.').filter((file) => file.endsWith('.json')).length).toBeGreaterThan(2)
  })
})

describe('the README', () => {
  const readme = textOf('README.md')
  /** First cells of the table of the house. */
  const paths = [...readme.matchAll(/^\| `((?:src|demo|test|bench)[^`]*)` \|/gm)].map(([, path = '']) => path)

  test('has a map whose places are all there', () => {
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('leaves no room of src off its map', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `src/${name}/`)
    expect(folders.filter((folder) => !paths.includes(folder))).toEqual([])
  })

  test('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
