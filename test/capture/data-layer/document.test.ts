import { load } from 'cheerio'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { watchDocument, type DocumentSeen } from '../../../src/capture/data-layer/document.ts'
import pages from './pages.json' with { type: 'json' }

vi.setConfig({ testTimeout: 30_000 })

const see = (bytes: Uint8Array, header: string | null = null, pieces = bytes.length): DocumentSeen => {
  const watch = watchDocument(header)
  for (let at = 0; at < bytes.length; at += Math.max(pieces, 1)) watch.push(bytes.subarray(at, at + pieces))
  return watch.seen()
}

describe('the end of a page', () => {
  test.each(pages.closed)('is one that a script may follow: %s', (html) => {
    expect(see(Buffer.from(html))).toMatchObject({ document: true, closed: true })
  })

  test.each(pages.open)('is not, for what follows would be something else: %s', (html) => {
    expect(see(Buffer.from(html))).toMatchObject({ document: true, closed: false })
  })

  test.each(pages.fragments)('of a fragment is none of ours: %j', (html) => {
    expect(see(Buffer.from(html)).document).toBe(false)
  })

  test('is seen the same in whatever pieces the page comes, in every charset', () => {
    const all = [...pages.closed, ...pages.open, ...pages.fragments]
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('utf8' as const, 'utf16le' as const),
        (html, pieces, encoding) => {
          const bytes = encoding === 'utf8' ? Buffer.from(html) : Buffer.from(`\ufeff${html}`, 'utf16le')
          const whole = see(bytes)
          expect(see(bytes, null, pieces)).toEqual(whole)
          const { document, closed } = see(Buffer.from(html))
          if (html !== '') expect(whole).toMatchObject({ document, closed })
        },
      ),
    )
  })

  const words = `< > ! - -- / " ' = a <p </p <b> <!-- --> x= script <script> </script> <title> </title> <style <meta <plaintext>`
  const markup = fc.array(fc.constantFrom(' ', '\0', ...words.split(' ')), { maxLength: 40 })

  test('is one where a parser would find the script that follows, whatever stands before', () => {
    let closed = 0
    fc.assert(
      fc.property(markup, (parts) => {
        const html = `<!doctype html>${parts.join('')}`
        if (!see(Buffer.from(html)).closed) return
        closed += 1
        const ours = load(`${html}<script data-ours="1">ours()</script>`)('script[data-ours="1"]')
        expect([ours.length, ours.text()]).toEqual([1, 'ours()'])
      }),
      { numRuns: 2_000 },
    )
    expect(closed).toBeGreaterThan(100)
  })

  test('of any text at all is judged the same in whatever pieces', () => {
    fc.assert(
      fc.property(markup, fc.integer({ min: 1, max: 9 }), (parts, pieces) => {
        const bytes = Buffer.from(`<!doctype html>${parts.join('')}`)
        expect(see(bytes, null, pieces)).toEqual(see(bytes))
      }),
    )
  })
})

describe('the charset', () => {
  const html = '<!doctype html><html><body>x</body></html>'
  test.each<[string, Uint8Array, string | null, DocumentSeen['charset']]>([
    ['nobody names', Buffer.from(html), null, 'ascii'],
    ['of a mark in three bytes', Buffer.from(`\ufeff${html}`), null, 'ascii'],
    ['of the header', Buffer.from(html), 'shift_jis', 'ascii'],
    ['that nobody knows', Buffer.from(html), 'x-unheard-of', 'ascii'],
    ['UTF-16 by the header', Buffer.from(html, 'utf16le'), 'utf-16le', 'utf-16le'],
    ['UTF-16 by its mark', Buffer.from(`\ufeff${html}`, 'utf16le'), 'utf-8', 'utf-16le'],
    ['UTF-16, the other end first', Buffer.from(`\ufeff${html}`, 'utf16le').swap16(), null, 'utf-16be'],
    ['that changes with escapes, by the header', Buffer.from(html), 'ISO-2022-JP', null],
    ['the same by a meta tag', Buffer.from(`<html><meta charset=iso-2022-jp>${html}`), null, null],
    [
      'the same by an older meta tag',
      Buffer.from(`<html><meta http-equiv="Content-Type" content="text/html; charset=csISO2022JP">`),
      null,
      null,
    ],
  ])('%s tells how a script is written', (_, bytes, header, charset) => {
    expect(see(bytes, header)).toMatchObject({ document: true, closed: true, charset })
    expect(see(bytes, header, 1)).toEqual(see(bytes, header))
  })
})

describe('a policy in the page', () => {
  const policyOf = (markup: string): readonly string[] =>
    see(Buffer.from(`<!doctype html><head>${markup}</head>`)).policies
  test.each([
    [
      `<meta http-equiv="Content-Security-Policy" content="script-src 'self'; default-src *">`,
      ["script-src 'self'; default-src *"],
    ],
    [`<META content='script-src "x>y"' HTTP-EQUIV=content-security-policy />`, ['script-src "x>y"']],
    [`<meta http-equiv=content-security-policy content="script-src &#39;none&#39;">`, ["script-src 'none'"]],
    [`<!-- <meta http-equiv=content-security-policy content="x"> -->`, []],
    [`<script>"<meta http-equiv=content-security-policy content=x>"</script>`, []],
    [`<meta name=description content="http-equiv=content-security-policy">`, []],
  ])('%s is found', (markup, policies) => {
    expect(policyOf(markup)).toEqual(policies)
  })

  test('too long to be kept counts as one that permits nothing', () => {
    const long = `<meta http-equiv=content-security-policy content="script-src ${'a.example '.repeat(4_000)}">`
    expect(policyOf(long)).toEqual(["default-src 'none'"])
    expect(policyOf('<meta http-equiv=content-security-policy content="script-src a">'.repeat(40))).toContain(
      "default-src 'none'",
    )
  })
})
