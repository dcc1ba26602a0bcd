import { describe, expect, test } from 'vitest'
import { answerAsks } from '../../../src/capture/page/dom-answer.ts'
import type { DomAsk } from '../../../src/capture/page/dom-ask.ts'

const ask = (html: string, ...asks: DomAsk[]): (string | null)[] => {
  const values: (string | null)[] = asks.map(() => null)
  expect(answerAsks(html, asks, (index, value) => (values[index] = value))).toBe(true)
  return values
}
const select = (html: string, selector: string, attribute?: string): string | null | undefined =>
  ask(html, { kind: 'selector', selector, ...(attribute === undefined ? {} : { attribute }) })[0]
const search = (html: string, pattern: string, flags?: string): string | null | undefined =>
  ask(html, { kind: 'regex', pattern, ...(flags === undefined ? {} : { flags }) })[0]

describe('selectors', () => {
  test.each<
    [name: string, html: string, selector: string, attribute: string | undefined, out: string | null]
  >([
    ['text, trimmed and folded', '<b class=t>\n  EUR\t 12 \u00a0 </b>', '.t', undefined, 'EUR 12'],
    ['the first of several', '<b>1</b><b>2</b>', 'b', undefined, '1'],
    ['text of the elements inside', '<p id=o>Order <b>47<i>11</i></b></p>', '#o', undefined, 'Order 4711'],
    ['cells and lines are words apart', '<table id=t><tr><td>a<td>b</table>', '#t', undefined, 'a b'],
    ['a line break is white space', '<p>Order<br>4711</p>', 'p', undefined, 'Order 4711'],
    ['no script or style inside', '<p>5<script>6</script><style>7</style> EUR</p>', 'p', undefined, '5 EUR'],
    ['a script asked for by name', '<script id=s>{"a":1}</script>', '#s', undefined, '{"a":1}'],
    ['an attribute', '<i data-order=" A-1 ">x</i>', '[data-order]', 'data-order', 'A-1'],
    ['an attribute written in capitals', '<i DATA-Order=A-1>', 'i', 'data-ORDER', 'A-1'],
    ['an absent attribute', '<i>x</i>', 'i', 'data-order', null],
    ['an attribute that objects are born with', '<i>x</i>', 'i', 'constructor', null],
    ['an empty element is nothing', '<i> </i>', 'i', undefined, null],
    ['no match', '<i>x</i>', 'u', undefined, null],
    ['an input by its value', '<input id=e value=a@b.example>', '#e', undefined, 'a@b.example'],
    ['an input without one', '<input id=e>', '#e', undefined, null],
    ['a meta by its content', '<meta name=x content=y>', 'meta[name=x]', undefined, 'y'],
    ['a data element by its value', '<data value=12.5>twelve</data>', 'data', undefined, '12.5'],
    ['a data element without one', '<data>twelve</data>', 'data', undefined, 'twelve'],
    ['a text area by its text', '<textarea> hi </textarea>', 'textarea', undefined, 'hi'],
    [
      'a select by its chosen option',
      '<select><option value=DE>Germany<optgroup><option value=FR selected>France</select>',
      'select',
      undefined,
      'FR',
    ],
    ['a select without a choice', '<select><option value=DE>Germany</select>', 'select', undefined, null],
    ['entities decoded', '<b>A&amp;B &euro;5</b>', 'b', undefined, 'A&B €5'],
    ['rows as a browser sees them', '<table><tr><td>5</table>', 'table > tbody > tr > td', undefined, '5'],
    ['the jQuery ways', '<i>1</i><i>2</i>', 'i:eq(1)', undefined, '2'],
    ['a selector that is none', '<b>1</b>', 'b:nosuch', undefined, null],
  ])('%s', (_name, html, selector, attribute, out) => {
    expect(select(html, selector, attribute)).toBe(out)
  })

  test('values are at most 1 000 characters long, and no half of one', () => {
    expect(select(`<b>${'x'.repeat(5000)}</b>`, 'b')).toBe('x'.repeat(1000))
    expect(select(`<b>${'x'.repeat(999)}🛒</b>`, 'b')).toBe('x'.repeat(999))
  })

  test('control characters are left out', () => {
    expect(select('<b>4\u0007\u001b7\u008511\u007f</b>', 'b')).toBe('4711')
  })
})

describe('patterns', () => {
  test.each<[name: string, html: string, pattern: string, flags: string | undefined, out: string | null]>([
    ['the whole match without a group', '<p>Order 4711</p>', String.raw`\d+`, undefined, '4711'],
    ['the first group', '<p>Order 4711</p>', String.raw`Order (\d)(\d+)`, undefined, '4'],
    [
      'the first group that took part',
      '<p>Order 4711</p>',
      String.raw`No (\d+)|Order (\d+)`,
      undefined,
      '4711',
    ],
    ['the group named value', '<p>a 1 b 2</p>', String.raw`a (\d) b (?<value>\d)`, undefined, '2'],
    ['flags', '<p>ORDER 4711</p>', String.raw`order (\d+)`, 'i', '4711'],
    [
      'text across elements',
      '<td>Total:</td><td>\n<b>5</b>.00</td>',
      String.raw`Total: ([\d.]+)`,
      undefined,
      '5.00',
    ],
    ['nothing', '<p>Order</p>', String.raw`\d+`, undefined, null],
    ['an empty match is nothing', '<p>Order</p>', String.raw`\d*$`, undefined, null],
    [
      'what is read before what is in a script',
      '<script>total = 1</script><p>total = 2</p>',
      String.raw`total = (\d)`,
      undefined,
      '2',
    ],
    [
      'a script where no text matches',
      '<script>orderId = "77"</script>',
      'orderId = "([^"]+)"',
      undefined,
      '77',
    ],
    [
      'an attribute where no text matches',
      '<p data-total="9.90">',
      'data-total="([^"]+)"',
      undefined,
      '9.90',
    ],
    ['a pattern that is none', '<p>x</p>', '(', undefined, null],
    [
      'hidden parts come after seen ones',
      '<noscript>n 1</noscript><p>n 2</p>',
      String.raw`n (\d)`,
      undefined,
      '2',
    ],
    [
      'templates come after seen ones',
      '<template>n 1</template><p>n 2</p>',
      String.raw`n (\d)`,
      undefined,
      '2',
    ],
  ])('%s', (_name, html, pattern, flags, out) => {
    expect(search(html, pattern, flags)).toBe(out)
  })
})

test('selectors are answered before any pattern, so that a slow pattern costs only patterns', () => {
  const told: number[] = []
  answerAsks(
    '<b>1</b>',
    [
      { kind: 'regex', pattern: '1' },
      { kind: 'selector', selector: 'b' },
      { kind: 'regex', pattern: '1' },
      { kind: 'selector', selector: 'b' },
    ],
    (index) => told.push(index),
  )
  expect(told).toEqual([1, 3, 0, 2])
})
