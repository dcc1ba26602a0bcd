import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  maxDepth,
  maxPlaceholders,
  maxTemplateBytes,
  parseJsonTemplate,
  parseTextTemplate,
  parseValueTemplate,
  type Parsed,
} from '../../../src/destinations/webhook/parse-template.ts'
import {
  renderJson,
  renderText,
  type TemplateNode,
  type Variables,
} from '../../../src/destinations/webhook/template.ts'
import { vectors } from './jsonl.ts'

const variables: Variables = {
  event_type: 'purchase',
  value: 99.5,
  currency: 'USD',
  order_id: 'A"1\\2\n3',
  qty: 3,
  ok: true,
  zero: 0,
  ids: ['a', 'b'],
  user: { email: 'x@y.z', first_name: 'Zoë' },
  evil: '{{user.email}}',
  nul: null,
  big: '12345678901234567890',
  empty: '',
  nan: Number.NaN,
  text_number: ' 12.5 ',
  padded: ' x ',
  letter: 'a',
}

const template = <T>(parsed: Parsed<T>): T => {
  if ('problem' in parsed) throw new Error(parsed.problem.message)
  return parsed.template
}
const problem = (parsed: Parsed<unknown>) => {
  if ('template' in parsed) throw new Error('it was read')
  return parsed.problem
}
const render = (text: string, given: Variables = variables) =>
  renderJson(template(parseJsonTemplate(text)), given)

describe('a template', () => {
  test.each(vectors<{ template: string; output: string }>('templates'))(
    '$template',
    ({ template, output }) => {
      expect(render(template)).toEqual({ text: output, problem: null })
    },
  )

  test.each(
    vectors<{ template: string; line: number; column: number; message?: string }>('template-problems'),
  )('is refused at line $line, column $column: $template', ({ template, line, column, message }) => {
    const found = problem(parseJsonTemplate(template))
    expect(found).toMatchObject({ line, column })
    expect(found.message).toContain(message ?? '')
  })

  test('names the first required variable that is missing, and is JSON all the same', () => {
    expect(render('{"m": {{missing | required}}, "n": {{gone.deep[0] | required}}}')).toEqual({
      text: '{"m":null,"n":null}',
      problem: 'template_missing_variable: missing',
    })
    expect(render('{"m": "{{nan | required}}"}').problem).toBe('template_missing_variable: nan')
    expect(
      render('{"m": "{{empty | required}}", "d": {{missing | required | default: 1}}}').problem,
    ).toBeNull()
  })

  test('takes no text longer than 8 KiB, in bytes', () => {
    const fits = 'ü'.repeat(4096)
    expect(render('{"a": {{long}}, "b": "{{long}}"}', { long: fits }).problem).toBeNull()
    const longer = { long: `${fits}x` }
    expect(render('{"a": {{long}}}', longer)).toEqual({
      text: '{"a":null}',
      problem: 'template_value_too_long: long',
    })
    expect(render('{"a": "{{long}}"}', longer).problem).toBe('template_value_too_long: long')
    expect(render('{"a": "{{list}}"}', { list: [longer.long] }).problem).toBe('template_value_too_long: list')
  })

  test('is bounded in bytes, placeholders and depth', () => {
    const room = maxTemplateBytes - 2
    expect(parseJsonTemplate(`"${'x'.repeat(room)}"`)).toHaveProperty('template')
    expect(problem(parseJsonTemplate(`"${'x'.repeat(room + 1)}"`)).message).toContain(
      String(maxTemplateBytes),
    )
    const list = (length: number): string => `[${Array.from({ length }, () => '{{a}}').join(',')}]`
    expect(parseJsonTemplate(list(maxPlaceholders))).toHaveProperty('template')
    expect(problem(parseJsonTemplate(list(maxPlaceholders + 1))).message).toContain(String(maxPlaceholders))
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(parseJsonTemplate(nested(maxDepth))).toHaveProperty('template')
    expect(problem(parseJsonTemplate(nested(maxDepth + 1))).message).toContain(String(maxDepth))
    expect(problem(parseJsonTemplate('['.repeat(30_000))).message).toContain(String(maxDepth))
    expect(problem(parseJsonTemplate(`{{a | default: ${nested(maxDepth + 1)}}}`)).message).toContain(
      String(maxDepth),
    )
  })

  test('asks whether a variable is known, and says where an unknown one stands', () => {
    const known = (path: readonly (string | number)[], written: string): string | null =>
      path[0] === 'value' ? null : `no ${written}`
    expect(parseJsonTemplate('{{value}}', known)).toHaveProperty('template')
    expect(problem(parseJsonTemplate('{"a":\n {{ other[0].x }}}', known))).toEqual({
      message: 'no other[0].x',
      line: 2,
      column: 5,
    })
  })
})

describe('a template that is a JSON value', () => {
  const rendered = (value: unknown): string => renderJson(template(parseValueTemplate(value)), variables).text

  test('fills the placeholders in its strings and keys, always with text', () => {
    expect(
      rendered({
        type: '{{event_type}}',
        amount: '{{value}}',
        t: 'Order {{order_id}}: {{value}}',
        '{{event_type}}': [1, true, null, '{{ids}}', { deep: '{{missing}}' }],
      }),
    ).toBe(
      '{"type":"purchase","amount":"99.5","t":"Order A\\"1\\\\2\\n3: 99.5","purchase":[1,true,null,"[\\"a\\",\\"b\\"]",{"deep":""}]}',
    )
  })

  test('leaves out what is missing where it is told to', () => {
    expect(rendered({ a: '{{missing | omit}}', b: ['{{missing | omit}}', 'x'] })).toBe('{"b":["x"]}')
  })

  test('may quote in a default, because nothing there ends the string', () => {
    expect(rendered({ a: '{{missing | default: "EUR"}}' })).toBe('{"a":"EUR"}')
  })

  test('says at which path it is wrong', () => {
    expect(problem(parseValueTemplate({ a: { b: ['x', '{{value'] } }))).toEqual({
      message: 'a "{{" is never closed',
      path: ['a', 'b', 1],
    })
    expect(problem(parseValueTemplate({ a: { '{{x | omit}}': 1 } })).path).toEqual(['a', '{{x | omit}}'])
    expect(problem(parseValueTemplate({ a: () => 1 }))).toMatchObject({ path: ['a'] })
    expect(problem(parseValueTemplate('{{x | omit}}')).message).toContain('whole template')
  })

  test('is bounded like a text', () => {
    expect(problem(parseValueTemplate(['x'.repeat(maxTemplateBytes)])).message).toContain(
      String(maxTemplateBytes),
    )
    expect(
      problem(parseValueTemplate(Array.from({ length: maxPlaceholders + 1 }, () => '{{a}}'))).message,
    ).toContain(String(maxPlaceholders))
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(parseValueTemplate(nested(maxDepth - 1))).toHaveProperty('template')
    expect(problem(parseValueTemplate(nested(maxDepth))).message).toContain(String(maxDepth))
  })
})

describe('a template of a header', () => {
  test('is text through and through', () => {
    const parts = template(parseTextTemplate('v={{value}}; "{{currency | lower}}" {not} {{missing}}}'))
    expect(renderText(parts, variables)).toEqual({ text: 'v=99.5; "usd" {not} }', problem: null })
  })
  test('is refused with its column', () => {
    expect(problem(parseTextTemplate('abc {{x'))).toMatchObject({ line: 1, column: 5 })
    expect(problem(parseTextTemplate('{{x | omit}}')).message).toContain('cannot be used')
  })
})

/** JSON texts and texts that nearly are. */
const almostJson = fc.oneof(
  fc.json(),
  fc
    .json()
    .chain((text) =>
      fc
        .tuple(
          fc.nat(text.length),
          fc.constantFrom('', ',', '"', '{', '}', '\\', '\n', '0', '-', 'e', '.'),
          fc.nat(2),
        )
        .map(([at, inserted, removed]) => text.slice(0, at) + inserted + text.slice(at + removed)),
    ),
  fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '1', '0', '-', '.', 'e', ' ', '\\', 'u', 'null'),
  }),
)

const readJson = (text: string): { value: unknown } | null => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 1

const anyVariables: fc.Arbitrary<Variables> = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
  fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '{{a}}',
      '"}',
      '\u2028',
      '\ud800',
      '</script>',
    ),
  ),
)
const filters = fc.constantFrom(
  '',
  ' | json',
  ' | string',
  ' | number',
  ' | lower',
  ' | sha256',
  ' | default: [1]',
)
const path = fc.constantFrom(
  'a',
  'b',
  'c',
  'a.b',
  'a[0]',
  'constructor',
  '__proto__',
  'a.__proto__.x',
  'missing',
)
const hole = fc.tuple(path, filters).map(([path, filter]) => `{{${path}${filter}}}`)
const templateText: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    hole,
    fc.tuple(hole, hole).map(([a, b]) => `"x ${a} \\" ${b}"`),
    fc.constantFrom('1', 'null', '"text"', 'true'),
    fc.array(tie('node'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(hole, tie('node')), { maxLength: 3 })
      .map((entries) => `{${entries.map(([key, value]) => `"k${key}": ${value}`).join(', ')}}`),
  ),
})).node

describe('whatever is written and whatever is filled in', () => {
  test('a text without placeholders is read exactly where JSON.parse reads it, as the same value', () => {
    fc.assert(
      fc.property(almostJson, (text) => {
        fc.pre(!text.includes('{{'))
        const expected = readJson(text)
        fc.pre(expected === null || depthOf(expected.value) <= maxDepth)
        const parsed = parseJsonTemplate(text)
        const read = 'problem' in parsed ? null : { text: renderJson(parsed.template, {}).text }
        expect(read).toEqual(expected === null ? null : { text: JSON.stringify(expected.value) })
      }),
      { numRuns: 2000 },
    )
  })

  test('what is rendered is JSON of the shape the template has', () => {
    fc.assert(
      fc.property(templateText, anyVariables, (text, given) => {
        const root: TemplateNode = template(parseJsonTemplate(text))
        const { text: output } = renderJson(root, given)
        const value = JSON.parse(output) as unknown
        expect(root.kind !== 'list' || (Array.isArray(value) && value.length === root.items.length)).toBe(
          true,
        )
        expect(root.kind !== 'text' || typeof value === 'string').toBe(true)
        expect(root.kind !== 'object' || (typeof value === 'object' && value !== null)).toBe(true)
        expect(JSON.stringify(value)).toBe(output)
      }),
      { numRuns: 1000 },
    )
  })

  test('a value comes out as the value it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        fc.pre(Buffer.byteLength(JSON.stringify(value)) < 8000)
        expect(JSON.parse(render('{"v": {{v}}}', { v: value }).text)).toEqual({
          v: JSON.parse(JSON.stringify(value)),
        })
      }),
    )
  })

  test('nothing filled in is ever read as a template', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = `{{secret}}${text}{{secret}}`
        const { text: output } = render('{"a": "{{a}}", "b": {{a}}}', { a: value, secret: 'SECRET' })
        expect(JSON.parse(output)).toEqual({ a: value, b: value })
      }),
    )
  })

  test('a parser fed with anything answers and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          almostJson,
          fc.string({
            unit: fc.constantFrom('{{', '}}', '|', 'a', ' ', '"', ':', 'default', '[0]', '.', '{', '}'),
          }),
        ),
        (text) => {
          for (const parsed of [
            parseJsonTemplate(text),
            parseTextTemplate(text),
            parseValueTemplate({ a: text }),
          ])
            expect('template' in parsed || parsed.problem.message.length > 0).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
