/** Reads a page written in a test. */
import type { PageContext, PageFacts } from '../../../src/capture/page/facts.ts'
import { readPage } from '../../../src/capture/page/page.ts'

export const read = (html: string | Uint8Array, context: Partial<PageContext> = {}): Promise<PageFacts> =>
  readPage(typeof html === 'string' ? Buffer.from(html) : html, {
    charset: null,
    url: 'https://shop.example/page',
    now: Date.parse('2026-11-20T12:00:00Z'),
    ...context,
  })

export const jsonLd = (...blocks: readonly unknown[]): string =>
  blocks.map((block) => `<script type="application/ld+json">${JSON.stringify(block)}</script>`).join('\n')

export interface Answer {
  readonly value: number | null
  readonly currency: string | null
  readonly orderId?: string | null
}

/** What the page says its event is worth: the order's total if it has an order, else its product's price. */
export const answerOf = (facts: PageFacts): Required<Answer> => {
  const from = facts.order ?? facts.product
  return {
    value: from?.value ?? null,
    currency: from?.currency ?? null,
    orderId: facts.order?.orderId ?? null,
  }
}

/** Equal as labels are compared: amounts within half a cent, codes exactly. */
export const isAnswer = (expected: Answer, got: Answer): boolean => {
  const sameValue =
    expected.value === null || got.value === null
      ? expected.value === got.value
      : Math.abs(expected.value - got.value) < 0.005
  return (
    sameValue && expected.currency === got.currency && (expected.orderId ?? null) === (got.orderId ?? null)
  )
}
