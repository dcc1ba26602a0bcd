import { describe, expect, test } from 'vitest'
import { cookieScope } from '../../../src/capture/identity/scope.ts'

describe('the domain of our cookies', () => {
  test.each([
    ['example.com', 'example.com', 1],
    ['www.example.com', 'example.com', 1],
    ['a.b.shop.example.com', 'example.com', 1],
    ['shop.example.co.uk', 'example.co.uk', 2],
    ['a.b.example.com.br', 'example.com.br', 2],
    ['foo.myshopify.com', 'foo.myshopify.com', 2],
    ['x.github.io', 'x.github.io', 2],
    ['my_shop.example.com', 'example.com', 1],
    ['xn--mnchen-3ya.de', 'xn--mnchen-3ya.de', 1],
    ['shop.corp', 'shop.corp', 1],
  ])('for %s is %s, of index %i', (host, domain, subdomainIndex) => {
    expect(cookieScope(host)).toEqual({ domain, subdomainIndex })
  })

  test.each([
    ['localhost', 0],
    ['shop', 0],
    ['127.0.0.1', 0],
    ['[::1]', 0],
    ['github.io', 1],
    ['co.uk', 1],
    ['com', 0],
    ['', 0],
  ])('is the host alone for %j', (host, subdomainIndex) => {
    expect(cookieScope(host)).toEqual({ domain: null, subdomainIndex })
  })

  test.each([
    ['a.b.example.com', 'b.example.com', 'b.example.com', 2],
    ['b.example.com', 'b.example.com', 'b.example.com', 2],
    ['other.com', 'example.com', 'other.com', 1],
    ['notexample.com', 'example.com', 'notexample.com', 1],
    ['127.0.0.1', 'example.com', null, 0],
  ])('of %s, where %s is configured, is %s', (host, configured, domain, subdomainIndex) => {
    expect(cookieScope(host, configured)).toEqual({ domain, subdomainIndex })
  })
})
