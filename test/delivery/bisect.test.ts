import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bisect, type Verdict } from '../../src/delivery/bisect.ts'

/** A strict platform: takes a part whole or not at all. Counts the first refusal of the whole, too. */
const search = async (size: number, guilty: ReadonlySet<number>) => {
  const taken: number[] = []
  const dead: number[] = []
  let requests = 1
  const ask = async (part: readonly number[]): Promise<Verdict> => {
    requests += 1
    if (!part.some((one) => guilty.has(one))) {
      taken.push(...part)
      return 'taken'
    }
    if (part.length === 1) dead.push(...part)
    return 'refused'
  }
  await bisect(
    Array.from({ length: size }, (_, index) => index),
    ask,
  )
  return { taken, dead, requests }
}

const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)
const allBut = (size: number, guilty: ReadonlySet<number>): number[] =>
  Array.from({ length: size }, (_, index) => index).filter((one) => !guilty.has(one))

const scattered = (size: number, many: number, seed: number): ReadonlySet<number> => {
  const found = new Set<number>()
  for (let state = seed + 1; found.size < many;) {
    state = (state * 48_271) % 2_147_483_647
    found.add(state % size)
  }
  return found
}

describe('the search for the guilty of a refused batch', () => {
  test('the sound ones arrive once, each guilty one is refused once and by itself', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 300 }).chain((size) =>
          fc.record({
            size: fc.constant(size),
            guilty: fc.uniqueArray(fc.nat(size - 1), { minLength: 1, maxLength: size }),
          }),
        ),
        async ({ size, guilty }) => {
          const set = new Set(guilty)
          const { taken, dead } = await search(size, set)
          expect(sorted(taken)).toEqual(allBut(size, set))
          expect(sorted(dead)).toEqual(sorted(guilty))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('one guilty among 1 000, wherever it stands, costs at most 13 requests: the bound of 12.97, and a whole one', async () => {
    const counts = await Promise.all(
      Array.from({ length: 1_000 }, async (_, place) => (await search(1_000, new Set([place]))).requests),
    )
    expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil(Math.log2(1_000) + 3))
  })

  test('a few guilty cost k·log2(n/k) + 2k + 1 on average, a tenth more or less, and never more than k·⌈log2(n)⌉ + 2k + 1', async () => {
    for (const many of [2, 3]) {
      const counts: number[] = []
      for (let seed = 0; seed < 300; seed += 1)
        counts.push((await search(1_000, scattered(1_000, many, seed))).requests)
      const mean = counts.reduce((sum, one) => sum + one, 0) / counts.length
      expect(mean).toBeLessThanOrEqual((many * Math.log2(1_000 / many) + 2 * many + 1) * 1.1)
      expect(Math.max(...counts)).toBeLessThanOrEqual(many * 10 + 2 * many + 1)
    }
  })

  test.each([
    { name: 'scattered', guilty: scattered(1_000, 500, 7) },
    { name: 'every other one', guilty: new Set(Array.from({ length: 500 }, (_, index) => index * 2)) },
    { name: 'the first half', guilty: new Set(Array.from({ length: 500 }, (_, index) => index)) },
    { name: 'the second half', guilty: new Set(Array.from({ length: 500 }, (_, index) => 500 + index)) },
    { name: 'all', guilty: new Set(Array.from({ length: 1_000 }, (_, index) => index)) },
  ])('half of 1 000 guilty ($name) cost far less than k·log2(n/k) + 2k + 1', async ({ guilty }) => {
    const many = guilty.size
    const { requests } = await search(1_000, guilty)
    expect(requests).toBeLessThanOrEqual(many * Math.log2(1_000 / many) + 2 * many + 1)
  })

  test('a part of which nothing is known proves nothing: the others are asked, and nobody dies by inference', async () => {
    const asked: (readonly number[])[] = []
    const dead: number[] = []
    await bisect([0, 1, 2, 3], async (part) => {
      asked.push(part)
      if (part.includes(0)) return 'unknown'
      if (!part.includes(3)) return 'taken'
      if (part.length === 1) dead.push(...part)
      return 'refused'
    })
    expect(asked[0]).toEqual([0, 1])
    expect(dead).toEqual([3])
    expect(asked.flat()).toContain(2)
  })

  test('a whole that was refused for no event’s sake loses none', async () => {
    const taken: number[] = []
    await bisect([0, 1, 2, 3, 4], async (part) => {
      taken.push(...part)
      return 'taken'
    })
    expect(sorted(taken)).toEqual([0, 1, 2, 3, 4])
  })
})
