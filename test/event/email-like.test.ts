import { expect, test } from 'vitest'
import { holdsEmail } from '../../src/event/email-like.ts'
import { publicPageUrl } from '../../src/event/page-url.ts'

test.each([
  ['ann@example.com', true],
  ['q=ann%40example.com&x=1', true],
  ['Order of ann.b+c@mail.example.co.uk, thanks', true],
  ['a@b@c.d', true],
  ['ann@localhost', false],
  ['@example.com', false],
  ['a @example.com', false],
  ['ann@ example.com', false],
  ['ann@.com', false],
  ['ann@example.', false],
  ['3 @ 4.50', false],
  ['', false],
])('%j holds an e-mail address: %s', (text, holds) => {
  expect(holdsEmail(text)).toBe(holds)
})

/** Of what would take the obvious expression years; the suite's own limit of five seconds is the assertion. */
test.each(['a%40', '@', 'a@', '%40.', 'a@b.'])('a long address of %j is judged at once', (part) => {
  const text = part.repeat(100_000)
  expect(typeof holdsEmail(text)).toBe('boolean')
  expect(publicPageUrl(`https://shop.example/${text}?q=${text}`)).toMatch(/^https:\/\/shop\.example\//)
})
