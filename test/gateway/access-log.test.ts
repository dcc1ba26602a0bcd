import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accessLogger, publicTarget, type AccessLine } from '../../src/gateway/access-log.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { readConfig, UsageError, type AccessLogWish } from '../../src/config.ts'
import { openAccessLog } from '../../src/log.ts'
import type { RequestDone } from '../../src/proxy/exchange.ts'
import { temporaryFolder } from '../cli/folder.ts'

const done: RequestDone = {
  site: 'shop',
  method: 'GET',
  status: 200,
  startedAt: 1_000,
  failure: null,
  target: '/products/lamp?utm_source=x',
  rawHeaders: ['X-Forwarded-For', '81.2.69.142', 'Cookie', 'session=secret'],
  peer: '10.0.0.7',
}

const linesOf = (
  wish: AccessLogWish | undefined,
  requests: readonly Partial<RequestDone>[],
  random: () => number = () => 0.5,
): readonly AccessLine[] => {
  const lines: AccessLine[] = []
  const tell = accessLogger({
    ...(wish === undefined ? {} : { wish }),
    write: (line) => lines.push(line),
    trust: compileTrust(['10.0.0.0/8']),
    clientIpHeaderOf: (site) => (site === 'edge' ? 'CF-Connecting-IP' : undefined),
    now: () => 1_250,
    random,
  })
  for (const request of requests) tell?.({ ...done, ...request })
  return lines
}

const wishOf = (text: string): AccessLogWish | undefined => readConfig([`--access-log=${text}`], {}).accessLog

describe('which requests leave a line', () => {
  const requests: readonly Partial<RequestDone>[] = [
    { status: 200 },
    { status: 404 },
    { status: 500 },
    { status: 502, failure: 'connect_refused' },
    { status: 200, failure: 'reset' },
    { status: 0, failure: 'client_left' },
  ]
  test.each([
    ['off', []],
    ['errors', [500, 502, 200]],
    ['all', [200, 404, 500, 502, 200, 0]],
    ['.4', [500, 502, 200]],
    ['0.6', [200, 404, 500, 502, 200, 0]],
  ])('--access-log %s', (text, statuses) => {
    expect(linesOf(wishOf(text), requests).map(({ status }) => status)).toEqual(statuses)
  })

  test('failures alone, unless somebody asks for more', () => {
    expect(linesOf(undefined, requests).map(({ status }) => status)).toEqual([500, 502, 200])
    expect(readConfig([], {}).accessLog).toEqual({ failures: true, share: 0, addresses: false })
    expect(readConfig([], { SLUICE_ACCESS_LOG: 'all,ip' }).accessLog).toEqual({
      failures: true,
      share: 1,
      addresses: true,
    })
  })

  test('a share is drawn for each', () => {
    let drawn = 0
    const random = (): number => (drawn++ % 10) / 10
    expect(
      linesOf(
        wishOf('0.2'),
        Array.from({ length: 100 }, () => ({})),
        random,
      ),
    ).toHaveLength(20)
  })

  test.each(['', 'some', '1.5', '-1', 'all,names', 'all,ip,ip', '0,1'])('%j is refused in words', (text) => {
    expect(() => wishOf(text)).toThrow(UsageError)
    expect(() => wishOf(text)).toThrow(
      /--access-log: ".*" is none of off, errors, all, or a share such as 0\.1/,
    )
  })
})

describe('what stands in it', () => {
  test('where, what and how long; no header, and no address unless asked for', () => {
    const [plain] = linesOf(wishOf('all'), [{ status: 502, failure: 'reset' }])
    expect(plain).toEqual({
      site: 'shop',
      method: 'GET',
      path: '/products/lamp?utm_source=x',
      status: 502,
      durationMs: 250,
      failure: 'reset',
    })
    const [addressed] = linesOf(wishOf('all,ip'), [{}])
    expect(addressed).toMatchObject({ address: '81.2.69.142' })
    const [named, hidden, own] = linesOf(wishOf('all,ip'), [
      { site: 'edge', rawHeaders: ['CF-Connecting-IP', '81.2.69.160', 'X-Forwarded-For', '81.2.69.142'] },
      { rawHeaders: ['X-Forwarded-For', 'unknown'] },
      { rawHeaders: [] },
    ])
    expect(named?.address, 'by the header that the site names').toBe('81.2.69.160')
    expect(hidden, "no proxy's address in a visitor's place").not.toHaveProperty('address')
    expect(own?.address, 'of a proxy that asks for itself').toBe('10.0.0.7')
    expect(JSON.stringify([plain, addressed])).not.toMatch(/secret|session/)
  })

  test('a peer that is no visitor is written as it is', () => {
    expect(linesOf(wishOf('all,ip'), [{ peer: '127.0.0.1', rawHeaders: [] }])[0]).toMatchObject({
      address: '127.0.0.1',
    })
  })

  test.each([
    ['/a?email=ann@example.com&page=2', '/a?page=2'],
    ['/a?e=ann%40example.com', '/a'],
    ['/unsubscribe/ann@example.com?x=1', '/?x=1'],
    ['/order?key=wc_order_abc&id=7&token=t', '/order?id=7'],
    ['/a?gclid=abc&fbclid=def&q=lamp', '/a?q=lamp'],
    ['/a?', '/a'],
    ['//other.example/a', '//other.example/a'],
    ['*', '/'],
    [`/${'a'.repeat(40_000)}@example.com`, '/'],
    [`/a?x=${'b'.repeat(480)}&page=2&y=ann@example.com`, `/a?x=${'b'.repeat(480)}&page=2`],
  ])('%s is written as %s', (target, expected) => {
    expect(publicTarget(target)).toBe(expected)
  })

  test('nothing that looks like an e-mail address, wherever it stands and wherever a long target is cut', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[/?&=a-z0-9.-]{0,600}$/),
        fc.stringMatching(/^[/?&=a-z0-9.-]{0,600}$/),
        fc.constantFrom('@', '%40'),
        (before, after, at) => {
          const line = publicTarget(`/${before}&ann${at}example.com&${after}`)
          expect(line).not.toMatch(/ann(@|%40)/)
          expect(line.length).toBeLessThanOrEqual(520)
        },
      ),
    )
  })
})

test('lines are gathered and written behind the traffic’s back, whole and in order', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'access.log')
  const log = openAccessLog(file)
  for (let index = 0; index < 2_000; index += 1) log.write({ site: 'shop', index })
  await log.close()
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual(
    Array.from({ length: 2_000 }, (_, index) => index),
  )
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', site: 'shop', msg: 'request' })
})
