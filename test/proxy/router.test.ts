import { describe, expect, test } from 'vitest'
import { createRouter } from '../../src/proxy/router.ts'
import { siteAt } from './support.ts'

const router = createRouter([
  siteAt('http://a.test', { id: 'named', hosts: ['shop.example.com', 'example.com'] }),
  siteAt('http://b.test', { id: 'sub', hosts: ['*.example.com'] }),
  siteAt('http://c.test', { id: 'deep', hosts: ['*.eu.example.com'] }),
])

describe('a router', () => {
  test.each([
    ['shop.example.com', 'named'],
    ['SHOP.Example.com', 'named'],
    ['shop.example.com:8443', 'named'],
    ['shop.example.com.', 'named'],
    ['shop.example.com.:80', 'named'],
    ['other.example.com', 'sub'],
    ['a.b.example.com', 'sub'],
    ['x.eu.example.com', 'deep'],
    ['eu.example.com', 'sub'],
    ['example.com', 'named'],
    ['example.org', null],
    ['notexample.com', null],
    ['.example.com', null],
    ['', null],
  ])('finds for the host %j the site %j', (host, site) => {
    expect(router.find(host)?.site ?? null).toBe(site)
  })

  test.each(['example.com', '*.example.com', '*'])('refuses two sites that claim %s', (host) => {
    const twice = [siteAt('http://a.test', { hosts: [host] }), siteAt('http://b.test', { hosts: [host] })]
    expect(() => createRouter(twice)).toThrow(`the host ${host} is claimed twice`)
  })

  test('sends what no other site answers to where "*" leads', () => {
    const any = createRouter([
      siteAt('http://a.test', { id: 'any', hosts: ['*'] }),
      siteAt('http://b.test', { id: 'named', hosts: ['shop.test', '[::1]'] }),
    ])
    expect(any.find('whatever')?.site).toBe('any')
    expect(any.find('')?.site).toBe('any')
    expect(any.find('shop.test')?.site).toBe('named')
    expect(any.find('[::1]:8080')?.site).toBe('named')
  })

  test.each([
    ['https://origin.test', undefined, 'origin.test'],
    ['https://origin.test:8443', 'shop.test', 'origin.test'],
    ['https://192.0.2.7', undefined, '192.0.2.7'],
    ['https://192.0.2.7', 'shop.test:443', 'shop.test'],
    ['https://[2001:db8::1]:8443', undefined, '2001:db8::1'],
  ])('expects of the origin %s (originHost %s) a certificate for %s', (origin, originHost, name) => {
    const one = createRouter([siteAt(origin, originHost === undefined ? {} : { originHost })])
    expect(one.find('shop.test')?.serverName).toBe(name)
  })

  test('waits 100 ms for a commit unless the site says otherwise', () => {
    expect(createRouter([siteAt('http://a.test')]).find('shop.test')?.holdMs).toBe(100)
    expect(createRouter([siteAt('http://a.test', { holdMs: 0 })]).find('shop.test')?.holdMs).toBe(0)
  })
})
