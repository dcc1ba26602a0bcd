import { describe, expect, test } from 'vitest'
import { answerOf, jsonLd, read } from './read.ts'
import { readVectors } from './vectors.ts'

interface Worked {
  readonly html?: string
  readonly jsonld?: unknown
  readonly og?: Readonly<Record<string, string>>
  readonly event?: string
  readonly out: {
    readonly value?: number | null
    readonly currency?: string
    readonly orderId?: string
    readonly order?: null
    readonly contentIds?: readonly string[]
    readonly origin?: string
    readonly warnings?: readonly string[]
  }
}

const pageOf = ({ html, jsonld, og }: Worked): string =>
  [
    html ?? '',
    jsonld === undefined ? '' : jsonLd(jsonld),
    ...Object.entries(og ?? {}).map(([name, content]) => `<meta property="${name}" content="${content}">`),
  ].join('\n')

const vectors = readVectors<Worked>('worked')

describe('worked extractions', () => {
  test('are all here', () => {
    expect(vectors).toHaveLength(20)
  })

  test.each(
    vectors.map((vector) => [JSON.stringify(vector.jsonld ?? vector.og ?? vector.html), vector] as const),
  )('%s', async (_, vector) => {
    const facts = await read(pageOf(vector))
    const { out } = vector
    const got = answerOf(facts)
    if (out.value !== undefined) expect(got.value).toBe(out.value)
    if (out.currency !== undefined) expect(got.currency).toBe(out.currency)
    if (out.orderId !== undefined) expect(got.orderId).toBe(out.orderId)
    if (out.order === null) expect(facts.order).toBeNull()
    if (out.origin !== undefined) expect((facts.order ?? facts.product)?.origin).toBe(out.origin)
    if (out.contentIds !== undefined) {
      const ids = facts.order?.lines.map((line) => line.id) ?? facts.product?.contentIds
      expect(ids).toEqual(out.contentIds)
    }
    const warnings = [...facts.warnings, ...(facts.product?.warnings ?? []), ...(facts.order?.warnings ?? [])]
    expect(warnings).toEqual(expect.arrayContaining([...(out.warnings ?? [])]))
  })
})
