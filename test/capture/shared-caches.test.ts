import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCaching } from '../../src/capture/shared-caches.ts'

const now = Date.parse('2026-11-20T10:00:00Z')
const inAnHour = 'Fri, 20 Nov 2026 11:00:00 GMT'
const anHourAgo = 'Fri, 20 Nov 2026 09:00:00 GMT'

const read = (fields: Readonly<Record<string, string | readonly string[]>>) =>
  readCaching(
    Object.entries(fields).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value])),
    now,
  )

describe('a shared cache may keep an answer with', () => {
  test.each([
    [{ 'Cache-Control': 'public' }, 'cache-control: public'],
    [{ 'cache-control': 'Public, Max-Age=0' }, 'cache-control: public'],
    [{ 'Cache-Control': 'private, public' }, 'cache-control: public'],
    [{ 'Cache-Control': 'no-store, public' }, 'cache-control: public'],
    [{ 'Cache-Control': 'max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'max-age="60"' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'max-age=soon' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'max-age=0, max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': ['max-age=60', 'max-age=0'] }, 'cache-control: max-age'],
    [{ 'Cache-Control': 's-maxage=60, max-age=0' }, 'cache-control: s-maxage'],
    [{ 'Cache-Control': ['max-age=0', 'S-MaxAge = 60'] }, 'cache-control: s-maxage'],
    [{ 'Cache-Control': 'max-age=0, stale-while-revalidate=60' }, 'cache-control: stale-while-revalidate'],
    [{ 'Cache-Control': 'max-age=0, stale-if-error=60' }, 'cache-control: stale-if-error'],
    [{ 'Cache-Control': 'private="set-cookie", max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'private="no-store", max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'x="private", max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'notprivate, max-age=60' }, 'cache-control: max-age'],
    [{ 'Cache-Control': 'private="unclosed' }, 'cache-control'],
    [{ 'Cache-Control': 'x'.repeat(5000) }, 'cache-control'],
    [{ Expires: inAnHour }, 'expires'],
    [{ Expires: inAnHour, 'Cache-Control': 'no-cache' }, 'expires'],
    [{ Expires: anHourAgo, Date: 'Fri, 20 Nov 2026 08:00:00 GMT' }, 'expires'],
    [{ Expires: [anHourAgo, inAnHour] }, 'expires'],
    [{ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'no-store' }, 'cdn-cache-control'],
    [{ 'CDN-Cache-Control': 'max-age=0' }, 'cdn-cache-control'],
    [
      { 'Cloudflare-CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'private' },
      'cloudflare-cdn-cache-control',
    ],
    [{ 'Vercel-CDN-Cache-Control': 'max-age=60' }, 'vercel-cdn-cache-control'],
    [{ 'Netlify-CDN-Cache-Control': 'public, durable' }, 'netlify-cdn-cache-control'],
    [{ 'Surrogate-Control': 'max-age=60', 'Cache-Control': 'private' }, 'surrogate-control'],
    [{ 'Surrogate-Control': 'content="ESI/1.0"' }, 'surrogate-control'],
    [{ 'Edge-Control': '!no-store, max-age=1d' }, 'edge-control'],
    [{ 'X-LiteSpeed-Cache-Control': 'public,max-age=60' }, 'x-litespeed-cache-control'],
    [{ 'X-Accel-Expires': '60', 'Cache-Control': 'private' }, 'x-accel-expires'],
    [{ 'X-Accel-Expires': '@1795172400' }, 'x-accel-expires'],
    [{ 'Surrogate-Key': 'product-7' }, 'surrogate-key'],
    [{ 'Cache-Tag': 'product-7', 'Cache-Control': 'no-cache' }, 'cache-tag'],
    [{ XKey: 'product-7' }, 'xkey'],
  ])('%j', (fields, keptBy) => {
    expect(read(fields)).toEqual({ keptBy, unmarked: false })
  })
})

describe('no shared cache may keep an answer with', () => {
  test.each([
    { 'Cache-Control': 'no-store' },
    { 'Cache-Control': 'private' },
    { 'Cache-Control': 'Private, max-age=600' },
    { 'Cache-Control': 'private, s-maxage=60' },
    { 'Cache-Control': ['max-age=600', 'private'] },
    { 'Cache-Control': 'no-store, no-cache, must-revalidate', Expires: 'Thu, 19 Nov 1981 08:52:00 GMT' },
    { 'Cache-Control': 'private', Expires: inAnHour },
    { 'Cache-Control': 'private', 'Surrogate-Key': 'x' },
    { 'Cache-Control': 'private', 'Surrogate-Control': 'no-store' },
    { 'Cache-Control': 'private', 'CDN-Cache-Control': 'private, max-age=60' },
    { 'Cache-Control': 'private', 'X-Accel-Expires': '0' },
    { 'Cache-Control': 'x="a, b\\"c", private' },
  ])('%j', (fields) => {
    expect(read(fields)).toEqual({ keptBy: null, unmarked: false })
  })
})

describe('nobody was asked to keep, and nobody forbidden to, an answer with', () => {
  test.each([
    {},
    { 'Cache-Control': 'no-cache' },
    { 'Cache-Control': 'max-age=0, must-revalidate' },
    { 'Cache-Control': 'no-cache="set-cookie"' },
    { 'Cache-Control': 'private="set-cookie"' },
    { 'Cache-Control': 's-maxage=0' },
    { 'Cache-Control': '' },
    { Expires: anHourAgo },
    { Expires: '0' },
    { Expires: '-1' },
    { Expires: inAnHour, 'Cache-Control': 'max-age=0' },
    { Pragma: 'no-cache' },
    { Vary: 'Cookie' },
    { 'Last-Modified': anHourAgo, ETag: '"a"' },
    { 'CDN-Cache-Control': 'no-store' },
    { 'Surrogate-Key': '' },
  ])('%j', (fields) => {
    expect(read(fields)).toEqual({ keptBy: null, unmarked: true })
  })
})

test('with a lifetime there is no spelling in which an answer counts as safe, unless it says so', () => {
  const directive = fc.constantFrom('max-age=60', 's-maxage=9', 'public', 'Max-Age="5"', 'max-age=x')
  const noise = fc.array(
    fc.constantFrom('no-cache', 'x=1', 'y="private, no-store"', 'immutable', ' ', 'must-revalidate'),
  )
  fc.assert(
    fc.property(noise, directive, noise, fc.constantFrom(',', ' , ', ',,'), (before, one, after, comma) => {
      const read = readCaching(['Cache-Control', [...before, one, ...after].join(comma)], now)
      expect(read.keptBy).not.toBeNull()
    }),
  )
})

test('no origin can make it throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, value) => {
      const fields = [name, value, 'Cache-Control', value, 'Expires', value, 'Surrogate-Control', value]
      expect(() => readCaching(fields, now)).not.toThrow()
    }),
  )
})
