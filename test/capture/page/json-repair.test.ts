import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repairJson } from '../../../src/capture/page/json-repair.ts'

const value = (text: string): unknown => {
  const repaired = repairJson(text)
  if (repaired === null) return undefined
  try {
    return JSON.parse(repaired.text) as unknown
  } catch {
    return undefined
  }
}

describe('broken JSON-LD', () => {
  test.each([
    ['an HTML comment', '<!-- {"a":1} -->', false],
    ['a CDATA section', '<![CDATA[{"a":1}]]>', false],
    ['a CDATA section behind line comments', '//<![CDATA[\n{"a":1}\n//]]>', false],
    ['a CDATA section behind block comments', '/*<![CDATA[*/ {"a":1} /*]]>*/', false],
    ['everything at once', '<!--//--><![CDATA[//><!--\n{"a":1}\n//--><!]]>', false],
    ['a byte order mark', '\uFEFF{"a":1}', false],
    ['a semicolon behind it', '{"a":1};', false],
    ['trailing commas', '{"a":1,}', true],
    ['comments', '/* x */ {"a":1 // y\n}', true],
  ])('with %s is read', (_, text, defective) => {
    expect(value(text)).toEqual({ a: 1 })
    expect(repairJson(text)?.defective).toBe(defective)
  })

  test.each([
    ['commas and braces in strings stay', '{"a":",}","b":[1,2,],}', { a: ',}', b: [1, 2] }],
    ['addresses in strings stay', '{"a":"https://x.example/*b*/",}', { a: 'https://x.example/*b*/' }],
    ['escaped quotes stay', String.raw`{"a":"say \"hi\",}",}`, { a: 'say "hi",}' }],
    ['a backslash before the closing quote stays', String.raw`{"a":"b\\",}`, { a: 'b\\' }],
    ['a comma before a comment goes', '[1, /* last */ ]', [1]],
    ['raw breaks and tabs in strings are kept as such', '{"a":"b\n\tc\u0001"}', { a: 'b\n\tc\u0001' }],
  ])('%s', (_, text, expected) => {
    expect(value(text)).toEqual(expected)
  })

  test.each([
    ['two values', '{"a":1}{"b":2}'],
    ['single quotes', "{'a':1}"],
    ['NaN', '{"a":NaN}'],
    ['entities', '{&quot;a&quot;:1}'],
    ['template left-overs', '{"a": {{ price }} }'],
    ['doubled commas', '{"a":1,,}'],
    ['a cut', '{"a":{"b":1}'],
    ['a cut string', '{"a":"b'],
    ['nothing', ''],
  ])('with %s is given up, not guessed', (_, text) => {
    expect(value(text)).toBeUndefined()
  })

  test('valid JSON means the same after a repair', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const repaired = repairJson(`[${text}]`)
        expect(repaired).not.toBeNull()
        expect(JSON.parse(repaired?.text ?? '')).toEqual(JSON.parse(`[${text}]`))
      }),
    )
  })
})
