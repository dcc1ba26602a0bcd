/** The corpus of saved pages is too large, and its pages are not ours, to be kept here; it is read where it lies. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { answerOf, isAnswer, read } from './read.ts'
import type { Answer } from './read.ts'

interface Row {
  readonly file: string
  readonly url: string | null
  readonly kind: string
  readonly expected: Answer & { readonly productIds?: readonly string[] }
  readonly accept?: readonly Answer[] | null
}

const root = path.resolve(import.meta.dirname, '../../..')
const corpus = process.env['SLUICE_CORPUS'] ?? path.join(root, '../shared/corpus')
const list = path.join(corpus, 'pages.jsonl')

describe('the corpus of saved pages', () => {
  test.runIf(existsSync(list))(
    'is read at least 98 in 100 exactly, all defensibly, never with a number where there is none (needs the folder SLUICE_CORPUS)',
    async () => {
      const rows = readFileSync(list, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row)
      const missed: string[] = []
      let lenient = 0
      let wrong = 0
      let ids = 0
      let withIds = 0
      for (const row of rows) {
        const page = readFileSync(path.join(corpus, 'pages', row.file))
        const facts = await read(page, { url: row.url ?? 'https://shop.example/page' })
        const full = answerOf(facts)
        const got = row.kind === 'order' ? full : { ...full, orderId: null }
        const strict = isAnswer(row.expected, got)
        const others = (row.accept ?? []).map((answer) => ({ orderId: got.orderId, ...answer }))
        const accepted = strict || others.some((answer) => isAnswer(answer, got))
        if (!strict) missed.push(`${row.file}: ${JSON.stringify(got)}`)
        if (accepted) lenient += 1
        else if (row.expected.value === null && got.value !== null) wrong += 1
        const found = [
          ...(facts.product?.contentIds ?? []),
          ...(facts.order?.lines.map((line) => line.id) ?? []),
        ]
        if (row.expected.productIds !== undefined) {
          withIds += 1
          if (found.some((id) => row.expected.productIds?.includes(id))) ids += 1
        }
      }
      const strict = rows.length - missed.length
      console.log(
        [
          `strict ${strict}/${rows.length}, lenient ${lenient}/${rows.length}, wrong numbers where null is right: ${wrong}`,
          `product ids ${ids}/${withIds}`,
          ...missed,
        ].join('\n'),
      )
      expect(strict / rows.length).toBeGreaterThanOrEqual(0.98)
      expect(lenient).toBe(rows.length)
      expect(wrong).toBe(0)
    },
    60_000,
  )
})
