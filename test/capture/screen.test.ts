import { describe, expect, test } from 'vitest'
import { compileTrust } from '../../src/capture/client-address.ts'
import { qualifyRequest } from '../../src/capture/qualify.ts'
import { compileScreen } from '../../src/capture/screen.ts'
import type { VisitorSettings } from '../../src/capture/visitor-settings.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0'
const trust = compileTrust(['10.0.0.0/8'], { allowDocumentationRanges: true })

interface Asked {
  readonly target?: string
  readonly peer?: string
  readonly headers?: readonly string[]
  readonly userAgent?: string
}

const reasonFor = (
  settings: VisitorSettings,
  { target = '/thanks', peer = '203.0.113.9', headers = [], userAgent = firefox }: Asked,
) =>
  qualifyRequest(
    { method: 'GET', target, remoteAddress: peer, rawHeaders: ['User-Agent', userAgent, ...headers] },
    {},
    compileScreen(settings, trust),
  )

describe("the site's own monitoring", () => {
  const settings: VisitorSettings = {
    monitoring: {
      userAgents: ['ShopWatch/'],
      addresses: ['192.0.2.7', '10.8.0.0/16', '2001:db8:7::/48'],
      headers: { 'X-Monitoring': '*', 'X-Load-Test': 'run-*' },
    },
  }

  test.each<[string, Asked, string | null]>([
    ['by its user agent, whatever the case', { userAgent: `${firefox} shopwatch/2` }, 'monitoring'],
    ['by its address', { peer: '192.0.2.7' }, 'monitoring'],
    ['by its address as IPv4 in IPv6', { peer: '::ffff:192.0.2.7' }, 'monitoring'],
    ['by its network', { peer: '2001:db8:7:1::5' }, 'monitoring'],
    ['behind a proxy of ours', { peer: '10.0.0.1', headers: ['X-Forwarded-For', '192.0.2.7'] }, 'monitoring'],
    ['in our own network, where a proxy of ours asks for itself', { peer: '10.8.1.1' }, 'monitoring'],
    ['by its header', { headers: ['x-monitoring', ''] }, 'monitoring'],
    ["by its header's value", { headers: ['X-Load-Test', 'run-7'] }, 'monitoring'],
    ['by no other value', { headers: ['X-Load-Test', 'off'] }, null],
    ["not by a stranger's claim", { headers: ['X-Forwarded-For', '192.0.2.7'] }, null],
    [
      'not who only says who stands before',
      { peer: '10.0.0.1', headers: ['X-Forwarded-For', '192.0.2.7, 203.0.113.9'] },
      null,
    ],
    ['nobody else', {}, null],
    [
      'named before a bot, which it may be as well',
      { peer: '192.0.2.7', userAgent: 'curl/8.5.0' },
      'monitoring',
    ],
    ['named before a prefetch', { peer: '192.0.2.7', headers: ['Purpose', 'prefetch'] }, 'monitoring'],
  ])('is known %s', (_name, asked, reason) => {
    expect(reasonFor(settings, asked)).toBe(reason)
  })

  test('is looked for in the header that names the visitor', () => {
    const edge: VisitorSettings = { ...settings, clientIpHeader: 'CF-Connecting-IP' }
    const headers = ['CF-Connecting-IP', '192.0.2.7', 'X-Forwarded-For', '203.0.113.9']
    expect(reasonFor(edge, { peer: '10.0.0.1', headers })).toBe('monitoring')
    expect(reasonFor(settings, { peer: '10.0.0.1', headers })).toBeNull()
  })
})

describe('previews', () => {
  test.each([
    '/thanks?preview=true',
    '/?p=7&preview_id=7&preview_nonce=0123456789&preview=true',
    '/thanks?customize_changeset_uuid=00000000-0000-4000-8000-000000000000',
    '/thanks?elementor-preview=7&ver=1',
    '/products/lamp?preview_theme_id=123456789',
    '/thanks?hs_preview=abc',
    '/thanks?_storyblok=7&_storyblok_tk%5Bspace_id%5D=1',
  ])('of an editor at %s are not counted', (target) => {
    expect(reasonFor({}, { target })).toBe('preview')
    expect(reasonFor({ previews: { known: false } }, { target })).toBeNull()
  })

  test("of Next.js are known by the draft mode's cookie", () => {
    expect(reasonFor({}, { headers: ['Cookie', 'a=b; __prerender_bypass=0123'] })).toBe('preview')
    expect(reasonFor({}, { headers: ['Cookie', 'a=__prerender_bypass'] })).toBeNull()
  })

  test.each([
    '/thanks',
    '/thanks?preview=false',
    '/thanks?previews=true',
    '/thanks?q=preview=true',
    '/preview',
  ])('are not seen in %s', (target) => {
    expect(reasonFor({}, { target })).toBeNull()
  })

  test('of a system of your own are known by what you say', () => {
    const settings: VisitorSettings = {
      previews: { query: { draft: '1', v: 'wip-*' }, cookies: { editor: '*' } },
    }
    expect(reasonFor(settings, { target: '/thanks?draft=1' })).toBe('preview')
    expect(reasonFor(settings, { target: '/thanks?v=2&v=wip-3' })).toBe('preview')
    expect(reasonFor(settings, { target: '/thanks?draft=0' })).toBeNull()
    expect(reasonFor(settings, { headers: ['Cookie', 'editor=ann'] })).toBe('preview')
    expect(reasonFor(settings, { target: '/thanks?preview=true' }), 'beside the known ones').toBe('preview')
  })
})

describe('bots', () => {
  test('may be marked by a CDN', () => {
    const settings: VisitorSettings = { bots: { headers: { 'X-Verified-Bot': 'true' } } }
    expect(reasonFor(settings, { headers: ['x-verified-bot', 'true'] })).toBe('bot')
    expect(reasonFor(settings, { headers: ['x-verified-bot', 'false'] })).toBeNull()
  })

  test("are told by the site's own texts, too", () => {
    expect(reasonFor({ bots: { allow: ['curl'] } }, { userAgent: 'curl/8.5.0' })).toBeNull()
    expect(reasonFor({ bots: { deny: ['Firefox'] } }, {})).toBe('bot')
  })
})
