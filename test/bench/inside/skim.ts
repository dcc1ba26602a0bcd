import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PageContext } from '../../../src/capture/page/facts.ts'
import { readPage } from '../../../src/capture/page/page.ts'
import { skim } from '../../../src/capture/page/skim.ts'
import { median } from '../harness/numbers.ts'
import { hostilePages, shopPage } from '../harness/shop-pages.ts'

/** What a page costs to walk and to read, and how long a hostile one keeps the event loop. Prints JSON. */

export interface PageCost {
  readonly name: string
  readonly pages: number
  readonly bytes: number
  readonly skimMegabytesPerSecond: number
  readonly readMs: number
}

export interface Stall {
  readonly name: string
  /** The longest time between two turns of the loop, of each round. */
  readonly longestMs: readonly number[]
  /** From the first byte to the facts. */
  readonly totalMs: number
}

export interface SkimCosts {
  readonly pages: readonly PageCost[]
  readonly stalls: readonly Stall[]
  /** The longest gap of a loop with nothing to do for as long: what the machine itself adds. */
  readonly idleMs: readonly number[]
}

const rounds = 7
const hostileRounds = 5
const hostileBytes = 8 * 1024 * 1024
const megabyte = 1_000_000

const context: PageContext = {
  charset: 'utf-8',
  url: 'https://shop.test/products/harbour-lamp',
  now: 1_763_632_800_000,
}

interface Sample {
  readonly name: string
  readonly pages: readonly Buffer[]
  readonly skims: number[]
  readonly reads: number[]
}

const sampleOf = (name: string, pages: readonly Buffer[]): Sample => ({ name, pages, skims: [], reads: [] })

const corpusOf = (folder: string): readonly Buffer[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.html?$/i.test(name))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .slice(0, 1_000)
    .map((path) => readFileSync(path))

const samples: Sample[] = [
  ...[20, 50, 100, 200, 500, 1_000, 2_000].map((size) =>
    sampleOf(
      `${size} KB`,
      Array.from({ length: 4 }, (_, seed) => shopPage('product', size * 1024, seed + 1)),
    ),
  ),
  sampleOf('an order, 50 KB', [shopPage('order', 50 * 1024)]),
]
const corpus = process.env['SLUICE_CORPUS']
if (corpus !== undefined && corpus !== '') samples.push(sampleOf('SLUICE_CORPUS', corpusOf(corpus)))

const bytesOf = ({ pages }: Sample): number => pages.reduce((sum, { length }) => sum + length, 0)

/** Long enough that a clock tick or a timer's turn does not count. */
const worth = 12 * megabyte

for (let round = 0; round <= rounds; round += 1) {
  for (const sample of samples) {
    const turns = Math.max(1, Math.ceil(worth / bytesOf(sample)))
    const begun = performance.now()
    for (let turn = 0; turn < turns; turn += 1) for (const page of sample.pages) skim(page)
    sample.skims.push(performance.now() - begun)
    const readTurns = Math.max(1, Math.ceil(turns / 4))
    const from = performance.now()
    for (let turn = 0; turn < readTurns; turn += 1)
      for (const page of sample.pages) await readPage(page, context)
    sample.reads.push((performance.now() - from) / (readTurns * sample.pages.length))
  }
}
const pages = samples.map((sample): PageCost => {
  const turns = Math.max(1, Math.ceil(worth / bytesOf(sample)))
  return {
    name: sample.name,
    pages: sample.pages.length,
    bytes: bytesOf(sample) / sample.pages.length,
    skimMegabytesPerSecond: ((bytesOf(sample) * turns) / megabyte / median(sample.skims.slice(1))) * 1_000,
    readMs: median(sample.reads.slice(1)),
  }
})

/** Turns the loop as fast as it will go while the work is under way; the longest gap is what a visitor would have waited. */
const longestGap = async (work: () => Promise<unknown>): Promise<{ longest: number; total: number }> => {
  // A collection that an earlier page has earned is not this one's stall.
  globalThis.gc?.()
  let longest = 0
  let watching = true
  let last = performance.now()
  const turn = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (watching) setImmediate(turn)
  }
  setImmediate(turn)
  const begun = performance.now()
  await work()
  const total = performance.now() - begun
  await new Promise((resolve) => setImmediate(resolve))
  watching = false
  return { longest, total }
}

const stalls: Stall[] = []
const idleMs: number[] = []
for (const [name, page] of hostilePages(hostileBytes)) {
  const found = []
  for (let round = 0; round < hostileRounds; round += 1)
    found.push(await longestGap(() => readPage(page, context)))
  stalls.push({
    name,
    longestMs: found.map(({ longest }) => longest),
    totalMs: median(found.map(({ total }) => total)),
  })
}
for (let round = 0; round < hostileRounds; round += 1) {
  const { longest } = await longestGap(() => new Promise((resolve) => setTimeout(resolve, 100)))
  idleMs.push(longest)
}
process.stdout.write(JSON.stringify({ pages, stalls, idleMs } satisfies SkimCosts))
