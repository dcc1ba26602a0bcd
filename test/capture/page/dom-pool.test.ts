import { describe, expect, test } from 'vitest'
import { createDomPool } from '../../../src/capture/page/dom-pool.ts'
import type { DomAsk, DomPool, DomPoolOptions } from '../../../src/capture/page/dom-pool.ts'

/** Generous, because a busy machine is no reason to fail; tests that wait for a time-out set their own. */
const open = (options: DomPoolOptions = {}): DomPool & AsyncDisposable => {
  const pool = createDomPool({ timeoutMs: 20_000, ...options })
  return { ...pool, [Symbol.asyncDispose]: () => pool.close() }
}
const selector = (css: string): DomAsk => ({ kind: 'selector', selector: css })
const regex = (pattern: string): DomAsk => ({ kind: 'regex', pattern })
const endless = regex('(a+)+$')
const endlessPage = `<b>fine</b>${'a'.repeat(50_000)}!`
const page = '<main><b class="total">EUR 12.50</b><p>Order 4711</p></main>'

/** A thread's program of a few lines, for what ours cannot be made to do. */
const program = (source: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${source}`)}`,
  )
const crashing = (deed: string): URL =>
  program(`
    parentPort.on('message', ({ html }) => {
      if (html === 'crash') { ${deed} }
      parentPort.postMessage([0, html])
      parentPort.postMessage('done')
    })
    parentPort.postMessage('ready')`)

describe('a query', () => {
  test('answers several asks of one page, in their order', async () => {
    await using pool = open()
    expect(
      await pool.query(page, [
        regex(String.raw`Order (\d+)`),
        selector('.total'),
        selector('.none'),
        { kind: 'selector', selector: 'main > b', attribute: 'class' },
      ]),
    ).toEqual({ values: ['4711', 'EUR 12.50', null, 'total'], problem: null })
  })

  test('asks many at once and each gets its own answer', async () => {
    await using pool = open({ size: 2 })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => pool.query(`<b>${index}</b>`, [selector('b')])),
    )
    expect(answers.map(({ values }) => values[0])).toEqual(
      Array.from({ length: 40 }, (_, index) => `${index}`),
    )
  })

  test('of nothing is answered with nothing', async () => {
    await using pool = open()
    expect(await pool.query(page, [])).toEqual({ values: [], problem: null })
  })

  test('reads a page of two mebibytes to its end', async () => {
    await using pool = open()
    const last = '<b class="total">the end</b>'
    const line = '<p class="row">some words &amp; 12.50</p>'
    const html = line.repeat(Math.floor((2 * 1024 * 1024 - last.length) / line.length)) + last
    expect(await pool.query(html, [selector('.total'), regex('the end')])).toEqual({
      values: ['the end', 'the end'],
      problem: null,
    })
  })
})

describe('hostile pages and patterns', () => {
  test('a catastrophic pattern is ended, what came before it is kept, and the next query works', async () => {
    await using pool = open({ timeoutMs: 1500 })
    const [slow, waiting] = await Promise.all([
      pool.query(endlessPage, [endless, selector('b'), endless]),
      pool.query(page, [selector('.total')]),
    ])
    expect(slow).toEqual({ values: [null, 'fine', null], problem: 'timeout' })
    expect(waiting).toEqual({ values: ['EUR 12.50'], problem: null })
    expect(await pool.query(page, [selector('p')])).toEqual({ values: ['Order 4711'], problem: null })
  })

  test('a hundred thousand nested elements end in an answer or in time, and the next query works', async () => {
    await using pool = open({ timeoutMs: 1500 })
    const { values, problem } = await pool.query(`${'<div>'.repeat(100_000)}<b>v</b>`, [selector('b')])
    expect([[['v'], null] as const, [[null], 'timeout'] as const]).toContainEqual([values, problem])
    expect((await pool.query(page, [selector('p')])).problem).toBeNull()
  })

  test('nesting that parses but is too deep for recursion still has its text read', async () => {
    await using pool = open()
    const { values, problem } = await pool.query(`${'<i>'.repeat(8_000)}<b>v</b>`, [
      selector('b'),
      selector('i'),
      regex('^v$'),
    ])
    expect([values, problem]).toEqual([['v', 'v', 'v'], null])
  })

  test.each([
    ['elements without end', '<p>'.repeat(690_000)],
    [
      'open elements repeated in every paragraph',
      `<p>${Array.from({ length: 300 }, (_, index) => `<b a${index}>`).join('')}${'<p>x'.repeat(3_000)}`,
    ],
    [
      'attributes repeated in every paragraph',
      `<p><b ${Array.from({ length: 500 }, (_, index) => `a${index}`).join(' ')}>${'<p>x'.repeat(3_000)}`,
    ],
    ['texts pushed out of a table', `<table>${'x<tr>'.repeat(300_000)}`],
  ])('%s: the tree is given up before it fills the heap', async (_name, html) => {
    await using pool = open()
    expect(await pool.query(html, [selector('b')])).toEqual({ values: [null], problem: 'too_large' })
    expect(await pool.query(page, [selector('.total')])).toEqual({ values: ['EUR 12.50'], problem: null })
  })

  test('a page of too many bytes is not looked at, counted in bytes and not in characters', async () => {
    await using pool = open({ maxBytes: 1000 })
    const ask = [selector('b')]
    expect(await pool.query('<b>'.padEnd(1001, 'x'), ask)).toEqual({ values: [null], problem: 'too_large' })
    expect(await pool.query('<b>'.padEnd(600, 'é'), ask)).toEqual({ values: [null], problem: 'too_large' })
    expect(await pool.query('<b>'.padEnd(1000, 'x'), ask)).toEqual({
      values: ['x'.repeat(997)],
      problem: null,
    })
  })
})

describe('waiting', () => {
  test('beyond the queue the answer is busy at once, and those in it are served', async () => {
    await using pool = open({ maxQueue: 2, timeoutMs: 1500 })
    const slow = pool.query(endlessPage, [endless])
    const queued = [1, 2].map((number) => pool.query(`<b>${number}</b>`, [selector('b')]))
    expect(await pool.query(page, [selector('b'), selector('p')])).toEqual({
      values: [null, null],
      problem: 'busy',
    })
    expect((await slow).problem).toBe('timeout')
    expect(await Promise.all(queued)).toEqual([
      { values: ['1'], problem: null },
      { values: ['2'], problem: null },
    ])
  })

  test('the queue is bounded in characters too', async () => {
    await using pool = open({ maxQueueCharacters: 100 })
    const first = pool.query('<b>1</b>', [selector('b')])
    const second = pool.query('<b>2</b>'.padEnd(90), [selector('b')])
    expect((await pool.query('<b>3</b>'.padEnd(20), [selector('b')])).problem).toBe('busy')
    expect((await Promise.all([first, second])).map(({ values }) => values)).toEqual([['1'], ['2']])
    expect((await pool.query('<b>4</b>'.padEnd(90), [selector('b')])).problem).toBeNull()
  })
})

describe('threads that end', () => {
  test.each([
    ['by an error', 'throw new Error("boom")'],
    ['by an error later on', 'setImmediate(() => { throw new Error("boom") }); return'],
    ['by themselves', 'process.exit(0)'],
  ])('%s are replaced', async (_name, deed) => {
    await using pool = open({ program: crashing(deed) })
    expect(await pool.query('before', [selector('b')])).toEqual({ values: ['before'], problem: null })
    const [crashed, after] = await Promise.all([
      pool.query('crash', [selector('b')]),
      pool.query('after', [selector('b')]),
    ])
    expect(crashed).toEqual({ values: [null], problem: 'crashed' })
    expect(after).toEqual({ values: ['after'], problem: null })
  })

  test('one that ends while idle harms nobody', async () => {
    await using pool = open({
      program: crashing(
        `parentPort.postMessage([0, 'x']); parentPort.postMessage('done'); throw new Error()`,
      ),
    })
    expect(await pool.query('crash', [selector('b')])).toEqual({ values: ['x'], problem: null })
    // Until its end is known here, a query may still be given to it.
    await expect
      .poll(() => pool.query('after', [selector('b')]), { timeout: 10_000 })
      .toEqual({ values: ['after'], problem: null })
  })

  test('one that cannot even start is tried anew for each query, and never hangs', async () => {
    await using pool = open({ program: program('throw new Error("no start")') })
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await pool.query(page, [selector('b')])).toEqual({ values: [null], problem: 'crashed' })
  })
})

describe('close', () => {
  test('ends what runs, what waits and what comes', async () => {
    const pool = createDomPool({ timeoutMs: 60_000 })
    const warm = await pool.query(page, [selector('p')])
    expect(warm.problem).toBeNull()
    const running = pool.query(endlessPage, [endless])
    const queued = pool.query(page, [selector('p')])
    await pool.close()
    expect((await running).problem).toBe('crashed')
    expect((await queued).problem).toBe('busy')
    expect((await pool.query(page, [selector('p')])).problem).toBe('busy')
  })

  test('works on a pool that never ran, while one starts, and twice', async () => {
    await createDomPool().close()
    const pool = createDomPool()
    const early = pool.query(page, [selector('p')])
    await Promise.all([pool.close(), pool.close()])
    expect((await early).problem).toBe('crashed')
  })
})
