import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { answerOf, isAnswer, read } from './read.ts'
import type { Answer } from './read.ts'

interface Label {
  readonly kind: string
  readonly why: string
  readonly expected: Answer & { readonly productIds?: readonly string[]; readonly name: string | null }
  readonly accept?: readonly Answer[]
}

const folder = new URL('hand-made/', import.meta.url)
const labels = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Record<string, Label>

describe('pages made by hand', () => {
  test.each(Object.entries(labels))('%s', async (file, { expected }) => {
    const facts = await read(readFileSync(new URL(file, folder)))
    const got = answerOf(facts)
    expect(isAnswer(expected, got), JSON.stringify({ expected, got })).toBe(true)
    if (expected.name !== null) expect(facts.product?.contentName).toBe(expected.name)
    const ids = [...(facts.product?.contentIds ?? []), ...(facts.order?.lines.map((line) => line.id) ?? [])]
    if (expected.productIds !== undefined) expect(ids).toContain(expected.productIds[0])
  })

  test('leave no mark on the prototypes of this process', async () => {
    await read(readFileSync(new URL('hand-proto-keys.html', folder)))
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(Reflect.get({}, 'price')).toBeUndefined()
  })
})
