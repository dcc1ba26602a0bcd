import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as zlib from 'node:zlib'
import { createCollectBudget } from '../../../src/capture/page/collect-blocks.ts'
import { createCollector } from '../../../src/capture/page/collect.ts'
import type { CollectorOptions } from '../../../src/capture/page/collect.ts'

const mebibyte = 1024 * 1024

const written = (rows: number): Buffer =>
  Buffer.from(
    `<title>Caffè ☕</title>${Array.from({ length: rows }, (_, row) => `<p>${Math.sin(row)}</p>`).join('')}`,
  )
const page = written(8_000)
/** Several of zstd's blocks, which come out whole or not at all. */
const longPage = written(40_000)

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
}
const encode = (coding: string, bytes: Buffer): Buffer => encoders[coding]!(bytes)
const compressed = ['gzip', 'deflate', 'br', 'zstd']

const collect = (body: Buffer, options: CollectorOptions, pieceBytes = 16_384) => {
  const collector = createCollector(options)
  for (let at = 0; at < body.length; at += pieceBytes) collector.push(body.subarray(at, at + pieceBytes))
  return collector.finish()
}

describe('a whole page comes out as it was written', () => {
  test.each<[string, string | null]>([
    ...Object.keys(encoders).map((coding): [string, string] => [coding, coding]),
    ['no field', null],
    ['an empty field', ''],
  ])('%s', async (_name, contentEncoding) => {
    const body = contentEncoding ? encode(contentEncoding, page) : page
    const { bytes, truncated, problem } = await collect(body, { contentEncoding })
    expect({ same: bytes.equals(page), truncated, problem }).toEqual({
      same: true,
      truncated: false,
      problem: null,
    })
  })

  test.each([
    ['x-gzip', zlib.gzipSync(page), 'x-gzip'],
    ['capitals and spaces', zlib.gzipSync(page), '  GZip '],
    ['deflate without its zlib wrapper', zlib.deflateRawSync(page), 'deflate'],
    ['identity named beside a coding', zlib.gzipSync(page), 'identity, gzip'],
    ['two codings, in the order they were applied', encode('br', encode('gzip', page)), 'gzip, br'],
    ['the same coding twice', encode('zstd', encode('zstd', page)), 'zstd, zstd'],
    ['a newline behind a gzip stream', Buffer.concat([zlib.gzipSync(page), Buffer.from('\n')]), 'gzip'],
    [
      'a gzip header with every optional field',
      Buffer.concat([
        Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3]),
        Buffer.from([3, 0, 1, 2, 3]),
        Buffer.from('page.html\0made by hand\0'),
        Buffer.from([0, 0]),
        zlib.deflateRawSync(page),
      ]),
      'gzip',
    ],
    [
      'zstd frames in a row, with a skippable one',
      Buffer.concat([
        Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]),
        zlib.zstdCompressSync(page.subarray(0, 1000)),
        zlib.zstdCompressSync(page.subarray(1000)),
      ]),
      'zstd',
    ],
  ])('%s', async (_name, body, contentEncoding) => {
    const { bytes, truncated, problem } = await collect(body, { contentEncoding })
    expect({ same: bytes.equals(page), truncated, problem }).toEqual({
      same: true,
      truncated: false,
      problem: null,
    })
  })

  test('however it is cut into chunks', async () => {
    const short = written(400)
    const bodies = Object.keys(encoders).map((coding) => [coding, encode(coding, short)] as const)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bodies),
        fc.array(fc.nat(12_000), { maxLength: 12 }),
        async ([contentEncoding, body], cuts) => {
          const collector = createCollector({ contentEncoding })
          let from = 0
          for (const cut of cuts.sort((a, b) => a - b)) {
            collector.push(body.subarray(from, cut))
            from = Math.min(cut, body.length)
          }
          collector.push(body.subarray(from))
          const { bytes, problem } = await collector.finish()
          expect(problem).toBeNull()
          expect(bytes.equals(short)).toBe(true)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('even byte by byte', async () => {
    const budget = createCollectBudget(mebibyte)
    const collector = createCollector({ contentEncoding: 'br', budget })
    const body = encode('br', page)
    for (const byte of body) collector.push(Uint8Array.of(byte))
    expect(budget.held()).toBeLessThan(2 * body.length + 4096)
    expect((await collector.finish()).bytes.equals(page)).toBe(true)
  })
})

describe('a body that is not what its header says', () => {
  test.each(['compress', 'dcb', 'dcz', 'gzip, rot13', 'gzip, gzip, gzip'])(
    '%s is not decoded, and nothing is kept of it',
    async (contentEncoding) => {
      const budget = createCollectBudget(mebibyte)
      const collector = createCollector({ contentEncoding, budget })
      collector.push(page)
      expect(budget.held()).toBe(0)
      expect(await collector.finish()).toEqual({
        bytes: Buffer.alloc(0),
        truncated: true,
        problem: 'unsupported_encoding',
      })
    },
  )

  test.each(compressed)('%s cut short still counts up to the cut', async (contentEncoding) => {
    const whole = encode(contentEncoding, longPage)
    const { bytes, truncated, problem } = await collect(whole.subarray(0, whole.length >> 1), {
      contentEncoding,
    })
    expect({ truncated, problem }).toEqual({ truncated: true, problem: 'bad_encoding' })
    expect(bytes.length).toBeGreaterThan(longPage.length / 5)
    expect(bytes.equals(longPage.subarray(0, bytes.length))).toBe(true)
  })

  test.each(compressed)('%s damaged in the middle never throws', async (contentEncoding) => {
    const whole = Buffer.from(encode(contentEncoding, longPage))
    whole.fill(0xff, whole.length >> 1, (whole.length >> 1) + 64)
    const { bytes } = await collect(whole, { contentEncoding })
    const sound = Math.floor(longPage.length / 5)
    expect(bytes.subarray(0, sound).equals(longPage.subarray(0, sound))).toBe(true)
  })

  test.each([...compressed, 'gzip, br'])(
    'plain text that claims %s is bad_encoding',
    async (contentEncoding) => {
      const answer = await collect(Buffer.from('<!doctype html><p>hello'), { contentEncoding })
      expect(answer).toEqual({ bytes: Buffer.alloc(0), truncated: true, problem: 'bad_encoding' })
    },
  )

  test('noise never throws, whatever it claims to be', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...compressed, 'gzip, zstd', 'br, deflate'),
        fc.boolean(),
        async (noise, contentEncoding, headed) => {
          const head = headed ? encode(contentEncoding.split(', ').at(-1)!, page).subarray(0, 20) : []
          const { bytes, problem, truncated } = await collect(Buffer.from([...head, ...noise]), {
            contentEncoding,
          })
          expect(bytes.length).toBeLessThanOrEqual(2 * mebibyte)
          expect(truncated).toBe(problem === 'bad_encoding' || (truncated && problem === null))
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each(['identity', ...compressed])('nothing at all in %s is empty', async (contentEncoding) => {
    const empty = { bytes: Buffer.alloc(0), truncated: false, problem: 'empty' }
    expect(await collect(Buffer.alloc(0), { contentEncoding })).toEqual(empty)
    expect(await collect(encode(contentEncoding, Buffer.alloc(0)), { contentEncoding })).toEqual(empty)
  })
})

describe('limits', () => {
  test.each(Object.keys(encoders))(
    'a page of exactly the limit in %s is whole, one byte more is truncated',
    async (contentEncoding) => {
      const body = encode(contentEncoding, page)
      const exact = await collect(body, { contentEncoding, maxDecodedBytes: page.length })
      expect([exact.bytes.length, exact.truncated, exact.problem]).toEqual([page.length, false, null])
      const over = await collect(body, { contentEncoding, maxDecodedBytes: page.length - 1 })
      expect([over.bytes.length, over.truncated, over.problem]).toEqual([page.length - 1, true, null])
      expect(over.bytes.equals(page.subarray(0, page.length - 1))).toBe(true)
    },
  )

  test.each(compressed)('what passes beyond the encoded limit is left out in %s', async (contentEncoding) => {
    const body = encode(contentEncoding, longPage)
    const maxEncodedBytes = body.length >> 1
    const { bytes, truncated, problem } = await collect(body, { contentEncoding, maxEncodedBytes })
    expect([truncated, problem]).toEqual([true, null])
    expect(bytes.length).toBeGreaterThan(longPage.length / 5)
    expect(bytes.equals(longPage.subarray(0, bytes.length))).toBe(true)
  })

  const zeros = Buffer.alloc(16 * mebibyte)
  /** A deflate piece that ends on a byte and refers to nothing before it, so that any number of them is one stream. */
  const deflatePiece = zlib.deflateRawSync(zeros, { finishFlush: zlib.constants.Z_FULL_FLUSH })
  const deflateBomb = Buffer.concat([...Array.from({ length: 64 }, () => deflatePiece), Buffer.from([3, 0])])
  const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
  const gibibyteOf = async (open: () => zlib.BrotliCompress | zlib.ZstdCompress): Promise<Buffer> => {
    const encoder = open()
    const parts: Buffer[] = []
    encoder.on('data', (part: Buffer) => parts.push(part))
    for (let written = 0; written < 64; written++)
      await new Promise((resolve) => encoder.write(zeros, resolve))
    await new Promise<void>((resolve) => encoder.end(resolve))
    return Buffer.concat(parts)
  }
  const brotliBomb = (): Promise<Buffer> =>
    gibibyteOf(() => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }))
  const zstdBomb = (): Promise<Buffer> => gibibyteOf(() => zlib.createZstdCompress())

  test.each([
    ['gzip', () => Buffer.concat([gzipHeader, deflateBomb])],
    ['deflate', () => deflateBomb],
    ['br', brotliBomb],
    ['zstd', zstdBomb],
    ['gzip, gzip', () => zlib.gzipSync(Buffer.concat([gzipHeader, deflateBomb]))],
  ] as const)('a gibibyte of zeros in %s ends at the limit', async (contentEncoding, make) => {
    const bomb = await make()
    expect(bomb.length).toBeLessThan(2 * mebibyte)
    const before = process.memoryUsage().rss
    const answers = await Promise.all(Array.from({ length: 8 }, () => collect(bomb, { contentEncoding })))
    const grown = process.memoryUsage().rss - before
    for (const { bytes, truncated, problem } of answers) {
      expect([bytes.length, truncated, problem]).toEqual([2 * mebibyte, true, null])
      expect(bytes.every((byte) => byte === 0)).toBe(true)
    }
    // Eight answers of 2 MiB, as much again on its way, and the windows: nowhere near the gibibytes they ask for.
    expect(grown).toBeLessThan(160 * mebibyte)
  })

  test('a limit before the first byte that can be read says so', async () => {
    const body = encode('zstd', page)
    const { bytes, truncated, problem } = await collect(body, {
      contentEncoding: 'zstd',
      maxEncodedBytes: 100,
    })
    expect([bytes.length, truncated, problem]).toEqual([0, true, 'empty'])
  })

  test('a zstd page may not ask for a window beyond what HTTP allows', async () => {
    const encoder = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: 27 } })
    const parts: Buffer[] = []
    encoder.on('data', (part: Buffer) => parts.push(part))
    await new Promise<void>((resolve) => encoder.end(page, resolve))
    const { problem } = await collect(Buffer.concat(parts), { contentEncoding: 'zstd' })
    expect(problem).toBe('bad_encoding')
  })

  test('thousands of tiny zstd frames are not each given a decoder', async () => {
    const frame = zlib.zstdCompressSync(Buffer.from('x'))
    const { bytes, truncated } = await collect(
      Buffer.concat(Array.from({ length: 10_000 }, () => frame)),
      { contentEncoding: 'zstd' },
      frame.length + 1,
    )
    expect(truncated).toBe(true)
    expect(bytes.length).toBeLessThan(10_000)
  })

  test('the loop turns many times while a large page is decoded', async () => {
    const large = Buffer.alloc(2 * mebibyte, '<p>price</p>')
    let turns = 0
    let decoding = true
    const turn = (): void => {
      turns++
      if (decoding) setImmediate(turn)
    }
    setImmediate(turn)
    await collect(zlib.gzipSync(large), { contentEncoding: 'gzip' })
    decoding = false
    expect(turns).toBeGreaterThan(20)
  })
})

describe('memory', () => {
  test('the copy shares nothing with the bytes that passed', async () => {
    const slab = Buffer.alloc(mebibyte, 'a')
    const collector = createCollector({ contentEncoding: null })
    collector.push(slab.subarray(10, 30))
    slab.fill('b')
    const { bytes } = await collector.finish()
    expect(bytes.toString()).toBe('a'.repeat(20))
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(8192)
  })

  test('the budget counts while a page passes and is given back when it was read', async () => {
    const budget = createCollectBudget(mebibyte)
    const collector = createCollector({ contentEncoding: 'gzip', budget })
    collector.push(zlib.gzipSync(page))
    expect(budget.held()).toBeGreaterThan(0)
    await collector.finish()
    expect(budget.held()).toBe(0)
  })

  test('abort gives the budget back at once, and later chunks are nothing', async () => {
    const budget = createCollectBudget(mebibyte)
    const collector = createCollector({ contentEncoding: 'gzip', budget })
    collector.push(zlib.gzipSync(page))
    collector.abort()
    collector.push(page)
    expect(budget.held()).toBe(0)
    expect(await collector.finish()).toEqual({ bytes: Buffer.alloc(0), truncated: false, problem: 'empty' })
    collector.abort()
    expect(budget.held()).toBe(0)
  })

  test('abort ends a decoding under way, and others still get their turn', async () => {
    const budget = createCollectBudget(64 * mebibyte)
    const body = zlib.gzipSync(written(60_000))
    const collectors = Array.from({ length: 6 }, () => createCollector({ contentEncoding: 'gzip', budget }))
    for (const collector of collectors) collector.push(body)
    const answers = collectors.map((collector) => collector.finish())
    await new Promise(setImmediate)
    for (const collector of collectors) collector.abort()
    expect(budget.held()).toBe(0)
    for (const { bytes, problem } of await Promise.all(answers))
      expect([bytes.length, problem]).toEqual([0, 'empty'])
    expect((await collect(body, { contentEncoding: 'gzip', budget })).problem).toBeNull()
    expect(budget.held()).toBe(0)
  })

  test('a spent budget refuses new pages, keeps what the others have, and is whole again afterwards', async () => {
    const budget = createCollectBudget(64 * 1024)
    const first = createCollector({ contentEncoding: null, budget })
    first.push(Buffer.alloc(40_000, 'a'))
    first.push(Buffer.alloc(80_000, 'b'))
    const second = createCollector({ contentEncoding: null, budget })
    second.push(Buffer.alloc(40_000, 'c'))
    expect(await second.finish()).toEqual({
      bytes: Buffer.alloc(0),
      truncated: true,
      problem: 'over_budget',
    })
    const kept = await first.finish()
    expect([kept.truncated, kept.problem]).toEqual([true, 'over_budget'])
    expect(kept.bytes.toString()).toMatch(/^a+$/)
    expect(budget.held()).toBe(0)
    expect((await collect(Buffer.alloc(60_000, 'd'), { contentEncoding: null, budget })).problem).toBeNull()
  })

  test('no order of events leaves the budget in debt', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('push', 'finish', 'abort'), { maxLength: 8 }),
        fc.constantFrom(...Object.keys(encoders)),
        async (steps, contentEncoding) => {
          const budget = createCollectBudget(100_000)
          const collector = createCollector({ contentEncoding, budget })
          const waits: Promise<unknown>[] = []
          for (const step of steps) {
            if (step === 'push') collector.push(page.subarray(0, 30_000))
            else if (step === 'finish') waits.push(collector.finish())
            else collector.abort()
            expect(budget.held()).toBeLessThanOrEqual(100_000)
          }
          waits.push(collector.finish())
          await Promise.all(waits)
          expect(budget.held()).toBe(0)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('finish asked twice gives one answer', async () => {
    const collector = createCollector({ contentEncoding: 'gzip' })
    collector.push(zlib.gzipSync(page))
    const first = collector.finish()
    collector.push(page)
    expect(await collector.finish()).toBe(await first)
  })
})
