import { describe, expect, test } from 'vitest'
import { chooseWay, readPolicies } from '../../../src/capture/data-layer/csp.ts'
import { loader } from '../../../src/capture/data-layer/script.ts'

/** `inline`, `file`, either with `#` and its nonce, or `none`. */
const choose = (
  policies: readonly string[],
  {
    watched = [],
    origin = 'https://shop.example.com',
  }: { watched?: readonly string[]; origin?: string } = {},
): string => {
  const way = chooseWay(readPolicies(policies), readPolicies(watched), origin)
  if (way === null) return 'none'
  return `${way.kind === 'inline' ? 'inline' : 'file'}${way.nonce === null ? '' : `#${way.nonce}`}`
}

describe('a page may be told by', () => {
  test.each<[policies: readonly string[], way: string]>([
    [[], 'inline'],
    [[''], 'inline'],
    [["img-src 'self'; frame-ancestors 'none'"], 'inline'],
    [["script-src 'self' 'unsafe-inline'"], 'inline'],
    [["DEFAULT-SRC 'Unsafe-Inline'"], 'inline'],
    [["script-src 'nonce-abc'"], 'inline#abc'],
    [["script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:"], 'inline#abc'],
    [["script-src 'unsafe-inline' 'nonce-abc'"], 'inline#abc'],
    [["script-src 'self' 'unsafe-inline' 'sha256-aaaa='"], 'file'],
    [["script-src 'self'"], 'file'],
    [["default-src 'self'"], 'file'],
    [["default-src 'none'; script-src 'self'"], 'file'],
    [["script-src 'none'; script-src-elem 'self'"], 'file'],
    [['script-src https:'], 'file'],
    [['script-src http:'], 'file'],
    [['script-src *'], 'file'],
    [['script-src shop.example.com'], 'file'],
    [['script-src *.example.com'], 'file'],
    [['script-src https://SHOP.example.com:443/.well-known/'], 'file'],
    [['script-src shop.example.com:*'], 'file'],
    [[`script-src shop.example.com${loader.path}`], 'file'],
    [[`script-src '${loader.integrity}'`], 'file'],
    [[`script-src 'strict-dynamic' '${loader.integrity}'`], 'file'],
    // All of them must agree.
    [["script-src 'self'", "script-src 'unsafe-inline' 'self'"], 'file'],
    [["script-src 'self', script-src 'nonce-abc'"], 'file#abc'],
    [["script-src 'nonce-abc'", "script-src 'nonce-abc' 'self'"], 'inline#abc'],
    [["script-src 'nonce-a'", "script-src 'nonce-b'"], 'none'],
    [["sandbox allow-scripts; script-src 'self'"], 'file'],
    // The first of two directives of a name counts.
    [["script-src 'none'; script-src 'self'"], 'none'],
    [["script-src 'none'"], 'none'],
    [['script-src'], 'none'],
    [["default-src 'none'"], 'none'],
    [['sandbox'], 'none'],
    [['sandbox allow-forms'], 'none'],
    [["script-src 'strict-dynamic' 'self'"], 'none'],
    [['script-src cdn.example.com'], 'none'],
    [['script-src *.shop.example.com'], 'none'],
    [['script-src example.com'], 'none'],
    [['script-src shop.example.com:8443'], 'none'],
    [['script-src shop.example.com/js/'], 'none'],
    [['script-src shop.example.com/.well-known'], 'none'],
    [["script-src 'sha256-aaaa='"], 'none'],
    [["script-src 'nonce-a\"b'"], 'none'],
    [['script-src data: blob: wss:'], 'none'],
  ])('%j: %s', (policies, way) => {
    expect(choose(policies)).toBe(way)
  })

  test('a policy for http is met by https, and not the other way round', () => {
    expect(choose(['script-src http://shop.example.com'])).toBe('file')
    expect(choose(['script-src https://shop.example.com'], { origin: 'http://shop.example.com' })).toBe(
      'none',
    )
    expect(choose(['script-src https:'], { origin: 'http://shop.example.com' })).toBe('none')
  })

  test('ports that are not the scheme’s must be named', () => {
    const origin = 'http://shop.example.com:8080'
    expect(choose(['script-src shop.example.com'], { origin })).toBe('none')
    expect(choose(['script-src shop.example.com:8080'], { origin })).toBe('file')
    expect(choose(["script-src 'self'"], { origin })).toBe('file')
  })

  test('a policy that only reports is met where that can be, and stops nothing', () => {
    expect(choose([], { watched: ["script-src 'self'"] })).toBe('file')
    expect(choose([], { watched: ["script-src 'nonce-abc'"] })).toBe('inline#abc')
    expect(choose([], { watched: ["script-src 'none'"] })).toBe('inline')
    expect(choose(["script-src 'none'"], { watched: [] })).toBe('none')
  })

  test('hundreds of nonces are not tried one by one', () => {
    const many = Array.from({ length: 500 }, (_, index) => `'nonce-n${index}'`).join(' ')
    expect(choose([`script-src ${many}`])).toBe('inline#n0')
    expect(choose([`script-src ${many}`, "script-src 'nonce-n400'"])).toBe('none')
  })
})
