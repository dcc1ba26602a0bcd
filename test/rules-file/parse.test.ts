import { describe, expect, test } from 'vitest'
import { formatProblems, parseRules } from '../../src/rules-file/parse.ts'
import type { Problem } from '../../src/rules-file/parse.ts'
import { depsWith, fileWith } from './deps.ts'

const problemsOf = (text: string, deps = depsWith()): readonly Problem[] => {
  const result = parseRules(text, deps)
  return result.ok ? [] : result.problems
}

/** `path: message` of each, as a user reads it. */
const said = (text: string, deps = depsWith()): string[] =>
  problemsOf(text, deps).map(({ path, message }) => `${path}: ${message}`)

const rule = 'sites[0].rules[0]'
const action = `${rule}.actions[0]`
const integration = 'sites[0].integrations[0]'

test('a good file is sites with their traffic and their integrations, secrets resolved', () => {
  const result = parseRules(fileWith({}), depsWith())
  expect(result).toMatchObject({
    ok: true,
    warnings: [],
    sites: [
      {
        traffic: { id: 'shop', hosts: ['shop.example', '*.shop.example'], rules: [{ id: 'r' }] },
        integrations: [
          {
            platform: 'alpha',
            declaration: { id: 'main', config: { pixel: '1', token: { $env: 'TOKEN' } } },
            settings: { pixel: '1', token: 'sesame' },
          },
        ],
      },
    ],
  })
  expect(result.ok && Object.keys(result.sites[0]!.traffic)).not.toContain('integrations')
})

describe('the text', () => {
  test('may hold comments, trailing commas and a byte order mark', () => {
    const text = `\uFEFF// shop\n${fileWith({}).replace(/\}\s*$/, ', /* the end */ }')}`
    expect(said(text)).toEqual([])
  })

  test.each([
    ['', 1, 1, /empty/],
    ['  \n', 1, 1, /empty/],
    ['{ "sites": [ { "id": "a" "hosts": [] } ] }', 1, 26, /"," is expected/],
    ['{\n  "sites": [\n    { id: 1 }\n  ]\n}', 3, 7, /double quotes/],
    ['{ "sites": [] ', 1, 15, /"}" is missing/],
    ['{ "sites": [] } x', 1, 17, /behind its end|no JSON/],
    ['{ "a": "x\n" }', 1, 8, /not closed/],
    ['['.repeat(100_000), 1, 1, /levels deep/],
  ])('%j is told at its place', (text, line, column, message) => {
    const [first] = problemsOf(text)
    expect(first).toMatchObject({ line, column, severity: 'error' })
    expect(first!.message).toMatch(message)
  })

  test('reports every line that is broken', () => {
    const broken = problemsOf('{\n"sites": [{ "id" "a" },\n{ "id": tru }]\n}')
    expect(broken.map(({ line }) => line)).toEqual([2, 3])
  })

  test('may give no key twice, and none named __proto__', () => {
    const text = fileWith({}).replace('"id": "shop"', '"id": "shop", "origin": "x", "__proto__": {}')
    expect(said(text)).toEqual([
      'sites[0].__proto__: the key "__proto__" is not allowed',
      'sites[0].origin: the key "origin" is given twice, first on line 4',
      'sites[0].origin: must be an http:// or https:// address',
    ])
  })

  test('counts lines and columns from 1, over any kind of line break', () => {
    expect(problemsOf('{\r\n"sites": 5,\n\r  "x": 1}')).toMatchObject([
      { line: 2, column: 10, path: 'sites' },
      { line: 4, column: 3, path: 'x' },
    ])
  })
})

describe('a key', () => {
  test('that is unknown names the nearest known one, and points at itself', () => {
    const text = `{
  "sites": [{ "id": "a", "hosts": ["a.example"], "origin": "http://a.example",
    "rules": [{ "id": "r", "match": { "pth": "/x" }, "actions": [{ "type": "fire_conversion_event", "eventType": "lead" }] }] }]
}`
    expect(formatProblems('rules.json', problemsOf(text))).toBe(
      'rules.json:3:39  sites[0].rules[0].match.pth: unknown key "pth"; did you mean "path"?\n',
    )
  })

  test('that is misspelt is not missing as well', () => {
    const text = fileWith({}).replace('"origin"', '"orign"')
    expect(said(text)).toEqual(['sites[0].orign: unknown key "orign"; did you mean "origin"?'])
  })

  test('that is missing is told where it should stand', () => {
    expect(said('{ "sites": [{ "id": "a", "rules": [] }] }')).toEqual([
      'sites[0]: the key "hosts" is missing',
      'sites[0]: the key "origin" is missing',
    ])
  })

  test('that stands beside the right one is told so', () => {
    expect(said(fileWith({ site: { curency: 'EUR', currency: 'EUR' } }))).toEqual([
      'sites[0].curency: unknown key "curency"; "currency" is given already',
    ])
  })

  test.each(['identity'])('that nothing implements yet is refused: %s', (key) => {
    expect(said(fileWith({ site: { [key]: {} } }))).toHaveLength(1)
  })
})

describe('a value of the wrong form', () => {
  test.each([
    [{ rule: { actions: 'x' } }, `${rule}.actions: expected a list, found "x"`],
    [{ rule: { actions: [] } }, `${rule}.actions: needs at least one entry`],
    [{ rule: { match: [] } }, `${rule}.match: expected an object, found a list`],
    [{ rule: { id: '' } }, `${rule}.id: must not be empty`],
    [{ rule: { id: 'a b' } }, `${rule}.id: expected letters, digits, ".", "_" and "-", found "a b"`],
    [{ match: { path: 5 } }, `${rule}.match.path: expected text or a list, found the number 5`],
    [{ match: { path: ['/a', null] } }, `${rule}.match.path[1]: expected text, found null`],
    [{ match: { method: 'get' } }, `${rule}.match.method: expected capital letters, as in GET, found "get"`],
    [{ match: { status: 99 } }, `${rule}.match.status: must be at least 100, found 99`],
    [{ match: { status: [200, 'ok'] } }, `${rule}.match.status[1]: expected a number, found "ok"`],
    [{ match: { query: { a: 5 } } }, `${rule}.match.query.a: expected text, found the number 5`],
    [
      { site: { currency: 'eur' } },
      'sites[0].currency: expected three capital letters, as in EUR, found "eur"',
    ],
    [{ site: { currency: 'XXQ' } }, 'sites[0].currency: is no currency of ISO 4217'],
    [
      { site: { origin: 'https://a.example/shop' } },
      'sites[0].origin: must be scheme, host and port only, without path, query or credentials',
    ],
    [
      { site: { hosts: ['Shop.example'] } },
      'sites[0].hosts[0]: expected a name, *.name or *, in lower case and without a port, found "Shop.example"',
    ],
    [
      { site: { consent: { gpc: 'honour' } } },
      'sites[0].consent.gpc: expected "honor" or "ignore", found "honour"; did you mean "honor"?',
    ],
    [
      { site: { clientIpHeader: 'CF Connecting IP' } },
      'sites[0].clientIpHeader: expected the name of a header, as in CF-Connecting-IP, found "CF Connecting IP"',
    ],
    [
      { site: { countryHeader: '' } },
      'sites[0].countryHeader: expected the name of a header, as in CF-Connecting-IP, found ""',
    ],
    [
      { site: { monitoring: { addresses: ['10.8.0.0/16', '10.8.0.0/64'] } } },
      'sites[0].monitoring.addresses[1]: "10.8.0.0/64" is no address or range; write one as 192.0.2.7 or 10.8.0.0/16',
    ],
    [
      { site: { monitoring: {} } },
      'sites[0].monitoring: says nothing: name userAgents, addresses or headers',
    ],
    [
      { site: { monitoring: { userAgent: 'x' } } },
      'sites[0].monitoring.userAgent: unknown key "userAgent"; did you mean "userAgents"?',
    ],
    [{ site: { monitoring: { userAgents: [''] } } }, 'sites[0].monitoring.userAgents[0]: must not be empty'],
    [
      { site: { bots: { headers: { 'x-bot': '[a' } } } },
      'sites[0].bots.headers["x-bot"]: "[a" is no pattern: ',
    ],
    [
      { site: { previews: { query: { draft: 1 } } } },
      'sites[0].previews.query.draft: expected text, found the number 1',
    ],
    [{ rule: { repeatMinutes: 1441 } }, `${rule}.repeatMinutes: must be at most 1440, found 1441`],
    [{ action: { require: ['orderid'] } }, `${action}.require[0]: expected `],
    [{ action: { type: 'fire' } }, `${action}.type: expected "fire_conversion_event", found "fire"`],
  ])('%j', (parts, message) => {
    expect(said(fileWith(parts)).filter((one) => one.startsWith(message))).toHaveLength(1)
  })

  test('never empties the list of the others: all are found at once', () => {
    const text = fileWith({
      match: { pth: '/x', status: 7 },
      action: { extract: { value: { selectr: '.a' } }, targets: ['nobody'] },
      integrations: [{ id: 'main', platform: 'alhpa', config: {} }],
    })
    expect(said(text)).toEqual([
      `${rule}.match.status: must be at least 100, found 7`,
      `${rule}.match.pth: unknown key "pth"; did you mean "path"?`,
      `${action}.extract.value.selectr: unknown key "selectr"; did you mean "selector"?`,
      `${integration}.platform: there is no platform "alhpa"; did you mean "alpha"?`,
    ])
  })
})

describe('a source', () => {
  test.each([
    [{ selectr: '.total' }, 'selectr: unknown key "selectr"; did you mean "selector"?'],
    [{ selector: '.total', attr: 'x' }, 'attr: unknown key "attr"; did you mean "attribute"?'],
    [{ jsonld: 'Order.price' }, 'jsonld: unknown key "jsonld"; did you mean "jsonLd"?'],
    [{ regex: '(\\d+)', flag: 'i' }, 'flag: unknown key "flag"; did you mean "flags"?'],
    [{ selector: '.a', meta: 'b' }, 'meta: "meta" cannot stand here beside "selector"'],
    [{ selector: 5 }, 'selector: expected text, found the number 5'],
    [{ regex: 'a', flags: 'g' }, 'flags: expected none but the letters i, m, s and u, found "g"'],
  ])('%j is explained by the form that was meant', (source, message) => {
    expect(said(fileWith({ action: { extract: { value: source } } }))).toEqual([
      `${action}.extract.value.${message}`,
    ])
    expect(said(fileWith({ action: { extract: { value: [{ const: 1 }, source] } } }))).toEqual([
      `${action}.extract.value[1].${message}`,
    ])
  })

  test('that says nothing is told what it could say', () => {
    expect(said(fileWith({ action: { extract: { value: {} } } }))).toEqual([
      `${action}.extract.value: needs one of the keys "selector", "jsonLd", "meta", "microdata", "regex", "dataLayer", "param", "query", "cookie", "header" or "const"`,
    ])
  })

  test('that is hopeless does not hide that a list was meant', () => {
    expect(said(fileWith({ action: { extract: { value: [{ const: 1 }, 5, { mta: 'x' }] } } }))).toEqual([
      `${action}.extract.value[1]: expected an object, found the number 5`,
      `${action}.extract.value[2].mta: unknown key "mta"; did you mean "meta"?`,
    ])
  })

  test('that is bare text is told its forms', () => {
    expect(said(fileWith({ action: { extract: { email: '#email' } } }))).toEqual([
      `${action}.extract.email: expected an object or a list, found "#email"`,
    ])
  })

  test.each([
    [{ selector: 'div[' }, /selector: "div\[" is no CSS selector: ./],
    [{ regex: '(' }, /regex: "\(" is no regular expression: ./],
  ])('%j that cannot be parsed is a problem', (source, message) => {
    const [first, ...more] = said(fileWith({ action: { extract: { orderId: [source] } } }))
    expect(first).toMatch(message)
    expect(first).toContain(`${action}.extract.orderId[0].`)
    expect(more).toEqual([])
  })

  test('of a path parameter needs a path that captures it', () => {
    const extract = { orderId: [{ param: 'orderID' }] }
    expect(said(fileWith({ match: { path: ['/a', '/o/:orderId'] }, action: { extract } }))).toEqual([
      `${action}.extract.orderId[0].param: no path of this rule captures ":orderID"; did you mean "orderId"?`,
    ])
    expect(said(fileWith({ match: { path: '/o/:orderID' }, action: { extract } }))).toEqual([])
    expect(said(fileWith({ match: { path: ['/**', '!/o/:orderID'] }, action: { extract } }))).toHaveLength(1)
  })
})

describe('patterns', () => {
  test.each([
    [{ path: '/a/[z-a]' }, 'path', '"/a/[z-a]"'],
    [{ path: ['/a', '/b(c'] }, 'path[1]', '"/b(c"'],
    [{ host: '[z-a]' }, 'host', '"[z-a]"'],
    [{ query: { q: '[z-a]' } }, 'query.q', '"[z-a]"'],
    [{ cookie: { 'my-c': '[z-a]' } }, 'cookie["my-c"]', '"[z-a]"'],
    [{ header: { h: '(a|ab)+' } }, 'header.h', '"(a|ab)+"'],
    [{ referrer: '[z-a]' }, 'referrer', '"[z-a]"'],
  ])('%j that cannot be read is a problem', (match, path, glob) => {
    const [first, ...more] = said(fileWith({ match }))
    expect(first).toContain(`${rule}.match.${path}: ${glob} is no pattern: `)
    expect(more).toEqual([])
  })
})

describe('names', () => {
  const two = (
    change: (sites: { id: string; hosts: string[]; rules: object[]; integrations: object[] }[]) => void,
  ): string => {
    const file = JSON.parse(fileWith({})) as { sites: Parameters<typeof change>[0] }
    file.sites.push(structuredClone(file.sites[0]!))
    Object.assign(file.sites[1]!, { id: 'second', hosts: ['second.example'] })
    change(file.sites)
    return JSON.stringify(file)
  }

  test('may be the same in two sites', () => {
    expect(said(two(() => undefined))).toEqual([])
  })

  test('are given once: sites, hosts, rules, integrations', () => {
    const text = two(([first, second]) => {
      second!.id = 'shop'
      second!.hosts = ['x.example', '*.shop.example', 'x.example']
      first!.rules.push(first!.rules[0]!)
      first!.integrations.push(first!.integrations[0]!)
    })
    expect(said(text)).toEqual([
      'sites[1].id: the site id "shop" is given twice',
      'sites[1].hosts[1]: the host "*.shop.example" belongs to the site "shop" already',
      'sites[1].hosts[2]: the host "x.example" is given twice',
      'sites[0].rules[1].id: the rule id "r" is given twice',
      'sites[0].integrations[1].id: the integration id "main" is given twice',
    ])
  })
})

describe('targets', () => {
  test.each([['main'], ['alpha'], ['a1'], ['ALPHA']])(
    'may be an id, a platform or an alias: %s',
    (target) => {
      expect(said(fileWith({ action: { targets: [target] } }))).toEqual([])
    },
  )

  test('that nobody knows suggest the nearest', () => {
    expect(said(fileWith({ action: { targets: ['main', 'mian'] } }))).toEqual([
      `${action}.targets[1]: "mian" is neither an integration of this site nor a platform; did you mean "main"?`,
    ])
  })

  test('of a platform that only the API could add are a doubt, no problem', () => {
    const result = parseRules(fileWith({ action: { targets: ['main', 'hook'] } }), depsWith())
    expect(result).toMatchObject({
      ok: true,
      warnings: [{ path: `${action}.targets[1]`, severity: 'warning' }],
    })
  })
})

describe("an integration's config", () => {
  const config = (platform: string, settings: unknown, deps = depsWith()): string[] =>
    said(fileWith({ integrations: [{ id: 'main', platform, config: settings }] }), deps)

  test('is checked by its platform, under any of its names', () => {
    for (const platform of ['alpha', 'a1', 'Alpha'])
      expect(config(platform, { pixel: 'x', tokn: 'abc' })).toEqual([
        `${integration}.config.pixel: expected digits, found text`,
        `${integration}.config.tokn: unknown key "tokn"; did you mean "token"?`,
      ])
  })

  test('explains a choice by its kinds', () => {
    expect(config('hook', { url: 'x', auth: { type: 'barer', token: 'x' } })).toEqual([
      `${integration}.config.auth.type: expected "none" or "bearer", found text; did you mean "bearer"?`,
    ])
  })

  test('lacks a secret: one message that names it, whatever its platform would say', () => {
    expect(config('alpha', { pixel: '1', token: { $env: 'NOPE' } })).toEqual([
      `${integration}.config.token: the variable NOPE is not set`,
    ])
    expect(config('hook', { url: '', headers: { authorization: { $file: '/nope' } } })).toEqual([
      `${integration}.config.headers.authorization: the variable /nope is not set`,
    ])
  })

  test('takes a reference to a secret at any depth, with nothing beside it', () => {
    expect(config('hook', { url: { $env: 'TOKEN' }, headers: { a: { $file: 'TOKEN' } } })).toEqual([])
    expect(config('hook', { url: { $env: 'TOKEN', default: 'x' } })).toEqual([
      `${integration}.config.url: a secret is { "$env": "NAME" } or { "$file": "PATH" }, with nothing beside it`,
    ])
  })

  test('is never repeated: a secret in the wrong place stays out of every message', () => {
    const secret = 'EAAtopsecret'
    const text = JSON.stringify(
      problemsOf(
        fileWith({
          integrations: [
            { id: 'a', platform: 'alpha', config: { pixel: secret, token: 'x', mode: secret } },
            {
              id: 'b',
              platform: 'alpha',
              config: { pixel: { $env: 'TOKEN' }, token: { $env: 'TOKEN' }, mode: { $env: 'TOKEN' } },
            },
            { id: 'c', platform: 'hook', config: { url: 1, auth: { type: secret } } },
          ],
        }),
        depsWith({ TOKEN: secret }),
      ),
    )
    expect(text).toContain('config.pixel')
    expect(text).not.toContain(secret)
  })
})

test('equal texts have equal hashes, and others do not', () => {
  const hash = (text: string): string => parseRules(text, depsWith()).hash
  expect(hash('{}')).toBe(hash('{}'))
  expect(hash('{}')).not.toBe(hash('{ }'))
})
