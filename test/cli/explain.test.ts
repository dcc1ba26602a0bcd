import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { runSluice } from '../support/gateway-process.ts'
import { secrets, smallRules, temporaryFolder } from './folder.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The dry run: what would happen for an address, and why, for the one who asks why Meta did not get this order. */

const page = `<!doctype html><title>Thank you</title><b class="total">12,50 €</b><i id="email">Ann.Shopper@example.com</i>`
const product = `<script type="application/ld+json">${JSON.stringify({
  '@type': 'Product',
  sku: 'lamp',
  name: 'Harbour Lamp',
  offers: { price: '64.95', priceCurrency: 'EUR' },
})}</script>`

const explain = async (
  args: readonly string[],
  {
    html,
    env = secrets,
    rules = smallRules(),
  }: { html?: string; env?: Record<string, string>; rules?: object } = {},
) => {
  await using folder = await temporaryFolder()
  const rulesPath = await folder.write('rules.json', rules)
  const pagePath = html === undefined ? [] : ['--html', await folder.write('page.html', html)]
  return await runSluice(['explain', ...args, '--rules', rulesPath, ...pagePath], env)
}

/** From a heading to the next one. */
const part = (text: string, heading: RegExp): string =>
  text.split('\n\n').find((block) => heading.test(block.split('\n')[0] ?? '')) ?? ''

/** The small shop's, with something of the site in another's place. */
const rulesWith = (site: object): { rules: object } => {
  const { sites } = smallRules()
  return { rules: { sites: [{ ...sites[0], ...site }] } }
}

const thanks = 'https://shop.example.com/order-received/A-1?status=paid&fbclid=IwAR0click'

describe('explain', () => {
  test('shows the rule, the consent, every fact with its source, the event and the exact requests, secrets masked', async () => {
    const { code, stdout, stderr } = await explain(
      [
        thanks,
        '--cookie',
        '_sw_consent=marketing.analytics',
        '--cookie',
        '_fbp=fb.1.1763632800000.1234567890',
      ],
      { html: page },
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^site shop, path \/order-received\/A-1$/m)
    const rules = part(stdout, /^rules/)
    expect(rules).toMatch(/✓ order-placed fires/)
    expect(rules).toMatch(/✓ path: .*"\/order-received\/:orderId"/)
    expect(rules).toMatch(/✗ product-viewed\n(.*\n)*.*✗ path/)
    expect(part(stdout, /^consent/)).toMatch(
      /analytics granted, marketing granted, personalization denied \(source _sw_consent; chosen by the visitor\)/,
    )
    const facts = part(stdout, /^facts for purchase \(rule order-placed\)/)
    expect(facts).toContain('orderId = "A-1"   ← rule: param orderId')
    expect(facts).toContain('value = 12.5   ← rule: selector .total')
    expect(facts).toContain('currency = "EUR"   ← site')
    expect(facts).toMatch(/email = .*hashed.*← rule: selector #email/)
    expect(stdout).toMatch(/meta \(Meta\): Purchase, realtime lane/)
    expect(stdout).toContain('POST https://graph.facebook.com/')
    expect(stdout).toContain('"order_id": "A-1"')
    expect(stdout).toMatch(/"em": \[\s+"[0-9a-f]{64}"/)
    expect(stdout).toMatch(
      /crm \(Webhook\): purchase, realtime lane\n +POST https:\/\/crm\.example\.com\/hook/,
    )
    for (const never of [...Object.values(secrets), 'Ann.Shopper@example.com', 'ann.shopper@example.com'])
      expect(stdout).not.toContain(never)
  })

  test('reads what the page sells, and says where', async () => {
    const { code, stdout } = await explain(
      ['https://shop.example.com/products/lamp', '--cookie', '_sw_consent=all'],
      { html: product },
    )
    expect(code).toBe(0)
    const facts = part(stdout, /^facts for view_content/)
    expect(facts).toMatch(/value = 64\.95 {3}← json-ld: Product\.offers\.price/)
    expect(facts).toMatch(/contentIds = \["lamp"\] {3}← json-ld/)
    // Though the visitor has no cookie of Meta's, an address is known of every visitor.
    expect(stdout).toMatch(/meta \(Meta\): ViewContent, batch lane/)
  })

  test('says why a rule does not fire: a condition that does not hold, a bot, a status', async () => {
    const [unpaid, bot, gone] = await Promise.all([
      explain(['https://shop.example.com/order-received/A-1']),
      explain([thanks, '--header', 'User-Agent: Googlebot/2.1']),
      explain([thanks, '--status', '404']),
    ])
    expect(part(unpaid.stdout, /^rules/)).toMatch(/✗ order-placed\n(.*\n)*.*✗ query status/)
    expect(unpaid.stdout).toMatch(/no event: no rule fires/)
    expect(part(bot.stdout, /^rules/)).toMatch(/✗ order-placed\n(.*\n)*.*✗ not counted: bot/)
    expect(part(gone.stdout, /^rules/)).toMatch(/✗ order-placed\n(.*\n)*.*✗ .*(status|404)/)
    expect([unpaid.code, bot.code, gone.code]).toEqual([0, 0, 0])
  })

  test('says in words why a page is served and not counted', async () => {
    const skipped = async (...args: readonly string[]): Promise<string> =>
      part((await explain([thanks, ...args])).stdout, /^rules/)
    const monitored = rulesWith({ monitoring: { addresses: ['192.0.2.7'] } })
    expect(await skipped('--header', 'Sec-Purpose: prefetch')).toContain(
      '✗ not counted: prefetch, the browser loaded it ahead; nobody has looked at it yet',
    )
    expect(await skipped('--header', 'Sec-Fetch-Dest: iframe')).toMatch(
      /✗ not counted: not_document, .*"frames": true/,
    )
    expect(part((await explain([thanks, '--address', '192.0.2.7'], monitored)).stdout, /^rules/)).toMatch(
      /✗ not counted: monitoring, the site's own/,
    )
    expect(part((await explain([thanks], monitored)).stdout, /^rules/)).not.toContain(
      'not counted: monitoring',
    )
  })

  test('says who the visitor is to us, and what a rule misses', async () => {
    const edge = rulesWith({
      clientIpHeader: 'CF-Connecting-IP',
      countryHeader: 'CF-IPCountry',
      rules: [
        {
          id: 'order-placed',
          match: { path: '/order-received/*' },
          actions: [{ type: 'fire_conversion_event', eventType: 'purchase', require: ['value'] }],
        },
      ],
    })
    const { stdout } = await explain(
      [thanks, '--cookie', '_sw_consent=all', '--address', '2001:db8::7', '--header', 'CF-IPCountry: de'],
      edge,
    )
    expect(part(stdout, /^visitor/)).toContain('address 2001:db8::7, country DE')
    expect(stdout).toContain(
      '✗ not counted: incomplete, the page lacks a fact that the rule requires (value)',
    )
    const named = await explain([thanks, '--header', 'CF-Connecting-IP: 203.0.113.99'], edge)
    expect(part(named.stdout, /^visitor/)).toContain('address 203.0.113.99, country unknown: CF-IPCountry')
    const wrong = await explain([thanks, '--address', 'localhost'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('"localhost" is no IP address') })
  })

  test('says why an integration would not get it', async () => {
    const { stdout } = await explain([thanks, '--cookie', '_sw_consent=analytics'], { html: page })
    const deliveries = part(stdout, /^deliveries/)
    expect(deliveries).toContain('meta (Meta): consent_denied, marketing was refused (_sw_consent)')
    expect(deliveries).toContain('crm (Webhook): consent_denied, marketing was refused (_sw_consent)')
    const gpc = await explain([thanks, '--cookie', '_sw_consent=all', '--header', 'Sec-GPC: 1'], {
      html: page,
    })
    expect(part(gpc.stdout, /^deliveries/)).toContain('the browser objects to marketing (Sec-GPC)')
  })

  test('says which consent tools were read, what each said, and where they disagree', async () => {
    const rules = smallRules()
    Object.assign(rules.sites[0], {
      consent: { sources: ['tcf', 'klaro'], klaro: { services: { marketing: ['meta'] } } },
    })
    const tc = 'euconsent-v2=CQlH_MAQlH_MAAKACBENEsFgAMOAAAAAAAYgF5wAQF5gAAAA'
    const [one, both] = await Promise.all([
      explain([thanks, '--cookie', tc], { rules }),
      explain([thanks, '--cookie', tc, '--cookie', 'klaro={"meta":false}'], { rules }),
    ])
    expect(part(one.stdout, /^consent/)).toBe(
      `consent
  analytics granted, marketing granted, personalization denied (source tcf; chosen by the visitor)
  read: purposes=1,2,7,8,9`,
    )
    expect(part(both.stdout, /^consent/)).toBe(
      `consent
  analytics unknown, marketing denied, personalization denied (source tcf; chosen by the visitor; sources disagree: the stricter counts)
  read: tcf: purposes=1,2,7,8,9 | klaro: meta:0`,
    )
  })

  test('without a page shows what it can, and how to show more', async () => {
    const { code, stdout } = await explain([thanks, '--cookie', '_sw_consent=all'])
    expect(code).toBe(0)
    expect(part(stdout, /^facts/)).toContain('! not_found:value')
    expect(stdout).toContain('no page was given: --html page.html shows what would be read from it')
  })

  test('a page that is not there is a mistake of the one who asks', async () => {
    const { code, stderr, stdout } = await explain([
      thanks,
      '--html',
      join(import.meta.dirname, 'no-such-page.html'),
    ])
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^sluice explain: --html: ".*no-such-page\.html" cannot be read: there is no such file\n$/,
    )
    expect(stdout).toBe('')
  })

  test('an address of no site names the hosts there are, and fails', async () => {
    const { code, stdout } = await explain(['https://other.example/order-received/A-1'])
    expect(code).toBe(1)
    expect(stdout).toBe('no site answers to other.example; the rules file has shop.example.com\n')
  })

  test('needs no secrets: it sends nothing', async () => {
    const { code, stdout } = await explain([thanks, '--cookie', '_sw_consent=all'], { html: page, env: {} })
    expect(code).toBe(0)
    expect(stdout).toMatch(/authorization: \*\*\*/)
    expect(stdout).toMatch(/webhook-signature: \*\*\*/)
  })

  test('a file with mistakes is shown like at a start, with 78', async () => {
    const { code, stderr } = await explain([thanks], { rules: { sites: [{ id: 'shop' }] } })
    expect(code).toBe(78)
    expect(stderr).toMatch(/sites\[0\]/)
  })

  test('shows the cookies that the answer would carry, and why it would carry none', async () => {
    const { sites } = smallRules()
    const rules = { sites: [{ ...sites[0], identity: { setCookies: true } }] }
    const page = 'https://shop.example.com/?gclid=CjwClick'
    const cookies = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout } = await explain([page, ...args], { rules })
      expect(code).toBe(0)
      return part(stdout, /^cookies/)
    }
    const granted = ['--cookie', '_sw_consent=marketing']
    const [set, unmarked, cached, refused, bot, off] = await Promise.all([
      cookies(...granted, '--answer-header', 'Cache-Control: no-store'),
      cookies(...granted),
      cookies(...granted, '--answer-header', 'CDN-Cache-Control: max-age=60'),
      cookies('--cookie', '_sw_consent=analytics'),
      cookies(...granted, '--header', 'User-Agent: Googlebot/2.1'),
      explain([page, ...granted]),
    ])
    expect(set).toMatch(
      /^cookies\n {2}Set-Cookie: _gcl_aw=GCL\.\d{10}\.CjwClick; Path=\/; Domain=example\.com; Max-Age=7776000; SameSite=Lax; Secure\n {2}Set-Cookie: _sw_click=[^\n]*; HttpOnly$/,
    )
    expect(unmarked).toMatch(/ {2}Cache-Control: private\n {2}! .*says nothing of caches$/)
    expect(cached).toBe('cookies\n  none: a shared cache may keep the answer (cdn-cache-control)')
    expect(refused).toBe('cookies\n  none: marketing is denied (_sw_consent)')
    expect(bot).toMatch(/^cookies\n  none: a program, by its user agent/)
    expect(off.stdout).not.toContain('cookies')
  })
})
