import { describe, expect, test } from 'vitest'
import { parseGaClientId, parseGaSession, readBrowserIds } from '../../src/capture/browser-ids.ts'
import { readCookies } from '../../src/capture/cookies.ts'
import { readCases } from './jsonl.ts'

type Case =
  | { readonly in: string; readonly client_id: string | null }
  | { readonly in: string; readonly ga_session_id: string | null; readonly n?: number }

const now = 1_763_633_000_000
const start = 1_763_632_800
const cases = readCases<Case>(new URL('./vectors/ga-cookies.jsonl', import.meta.url))
const clients = cases.filter((item) => 'client_id' in item)
const sessions = cases.filter((item) => 'ga_session_id' in item)

const read = (cookie: string, fbclid?: string) =>
  readBrowserIds({
    jar: readCookies(['Cookie', cookie]),
    fbclid: fbclid === undefined ? undefined : { value: fbclid, seenAt: now },
    now,
  })

test('all vectors are here', () => {
  expect([clients.length, sessions.length]).toEqual([3, 5])
})

describe('the GA client id', () => {
  test.each(clients)('$in holds $client_id', ({ in: text, client_id: id }) => {
    expect(parseGaClientId(text)).toBe(id)
  })

  test.each([
    ['GA1.2.foo', null],
    ['GA1.1.1763600000', null],
    ['amp-AbCdEf', null],
    ['custom.1234567890.1763600000', '1234567890.1763600000'],
    ['1234567890.1763600000', '1234567890.1763600000'],
    ['', null],
  ])('%j holds %s', (text, id) => {
    expect(parseGaClientId(text)).toBe(id)
  })

  test('the first copy that holds one counts', () => {
    expect(read('_ga=GA1.1.amp-abc; _ga=GA1.1.11.22; _ga=GA1.1.33.44').gaClientId).toBe('11.22')
  })
})

describe('the GA session', () => {
  test.each(sessions)('$in holds $ga_session_id', ({ in: text, ga_session_id: id, n }) => {
    const session = parseGaSession(text, now)
    expect(session?.id ?? null).toBe(id)
    expect(session?.number).toBe(n)
  })

  test('the last hit comes along', () => {
    expect(parseGaSession('GS1.1.1763632800.3.1.1763632955.57.0.0', now)).toEqual({
      id: '1763632800',
      number: 3,
      lastHitAt: 1_763_632_955,
    })
  })

  test.each([
    ['in the future by more than clocks differ', start + 1000, null],
    ['before GA4 was', 1_400_000_000, null],
    ['24 hours old', start + 200 - 86_400, true],
    ['older than 24 hours', start + 200 - 86_401, null],
  ])('a start %s', (_name, seconds, found) => {
    expect(parseGaSession(`GS2.1.s${seconds}$o1`, now) === null).toBe(found === null)
  })

  test('a long visit goes on while its last hit is less than 30 minutes old', () => {
    const long = start - 100_000
    expect(parseGaSession(`GS2.1.s${long}$t${start}`, now)?.id).toBe(String(long))
    expect(parseGaSession(`GS2.1.s${long}$t${start - 1700}`, now)).toBeNull()
    expect(parseGaSession(`GS2.1.s${long}$t${start + 5000}`, now)).toBeNull()
  })

  test('every property keeps its own', () => {
    expect(
      read('_ga_ABC123=GS2.1.s1763632800%24o3; _ga_XYZ=GS1.1.1763632801.1.0; _ga_bad-id=GS2.1.s1763632800')
        .gaSessions,
    ).toEqual({ ABC123: { id: '1763632800', number: 3 }, XYZ: { id: '1763632801', number: 1 } })
  })
})

describe('the browser ids', () => {
  test('are read as the tags wrote them', () => {
    expect(
      read(
        [
          '_fbp=fb.1.1763632800000.1234567890',
          '_fbc=fb.1.1763632800000.IwAR0abc_DEF-123.AQQCAQIB',
          '_ga=GA1.1.1234567890.1763632800',
          '_ttp=01KAAAAAAAAAAAAAAAAAAAAAAA_.tt.1',
          '_scid=00000000-0000-4000-8000-000000000000',
          '_rdt_uuid=1763632800000.00000000-0000-4000-8000-000000000000',
        ].join('; '),
      ),
    ).toEqual({
      fbp: 'fb.1.1763632800000.1234567890',
      fbc: 'fb.1.1763632800000.IwAR0abc_DEF-123.AQQCAQIB',
      gaClientId: '1234567890.1763632800',
      ttp: '01KAAAAAAAAAAAAAAAAAAAAAAA_.tt.1',
      scid: '00000000-0000-4000-8000-000000000000',
      rdtUuid: '1763632800000.00000000-0000-4000-8000-000000000000',
    })
  })

  test('a visitor without cookies has none', () => {
    expect(read('a=b')).toEqual({})
  })

  test('what stands in for nothing is nothing', () => {
    expect(
      read('_fbp=undefined; _fbc=fb.1.1763632800000.undefined; _ttp=null; _scid=deleted; _rdt_uuid=0'),
    ).toEqual({})
  })

  test('a percent-encoded _fbp is decoded once', () => {
    expect(read('_fbp=fb%2E1%2E1763632800000%2E12').fbp).toBe('fb.1.1763632800000.12')
  })
})

describe('fbc', () => {
  test('a new click replaces the one in the cookie', () => {
    expect(read('_fbc=fb.2.1763000000000.OLD', 'NEW').fbc).toBe(`fb.1.${now}.NEW`)
  })

  test('the click in the cookie keeps its value whole', () => {
    expect(read('_fbc=fb.2.1763000000000.SAME.Bg', 'SAME').fbc).toBe('fb.2.1763000000000.SAME.Bg')
  })

  test('of several copies the one that holds the click counts, else the newest', () => {
    const copies = '_fbc=fb.1.1763000000001.A; _fbc=fb.1.1763000000003.B; _fbc=fb.1.1763000000002.C'
    expect(read(copies, 'C').fbc).toBe('fb.1.1763000000002.C')
    expect(read(copies).fbc).toBe('fb.1.1763000000003.B')
  })

  test('it is made of a click alone, never of nothing', () => {
    expect(read('a=b', 'NEW').fbc).toBe(`fb.1.${now}.NEW`)
    expect(read('_fbp=fb.1.1763632800000.12').fbc).toBeUndefined()
  })
})
