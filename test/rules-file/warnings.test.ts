import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/rules-file/parse.ts'
import { depsWith, fileWith } from './deps.ts'

const warned = (parts: Parameters<typeof fileWith>[0]): string[] => {
  const result = parseRules(fileWith(parts), depsWith())
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  expect(result.warnings.every(({ severity, line }) => severity === 'warning' && line > 0)).toBe(true)
  return result.warnings.map(({ path, message }) => `${path.replace('sites[0].rules[0].', '')}: ${message}`)
}

const paused = { id: 'p', platform: 'hook', status: 'paused', config: { url: 'x' } }
const active = { id: 'main', platform: 'alpha', config: { pixel: '1', token: { $env: 'TOKEN' } } }

describe('a rule that can never fire is told so', () => {
  test.each([
    [{ match: { method: 'HEAD' } }, 'match.method: never fires: the answer to a HEAD has no page'],
    [{ match: { method: ['PUT', 'DELETE'] } }, 'match.method: never fires: a page is opened by GET or POST'],
    [{ match: { path: ['/a/*', '!/**'] } }, 'match.path: never fires: everything it asks for is excluded'],
    [{ match: { path: ['!/b', '!**'] } }, 'match.path: never fires: everything it asks for is excluded'],
    [{ match: { path: ['/a/b', '!/a/*'] } }, 'match.path: never fires: everything it asks for is excluded'],
    [{ match: { path: ['/a/*', '!/a/*'] } }, 'match.path: never fires: everything it asks for is excluded'],
    [
      { match: { path: 'checkout/done' } },
      'match.path: never matches, for a path begins with "/": write "/checkout/done"',
    ],
    [{ match: { path: '/a//b' } }, 'match.path: never matches: in normal form this path is "/a/b"'],
    [
      { match: { path: 'https://shop.example/a' } },
      'match.path: a path begins with "/": scheme and host do not belong here',
    ],
    [
      { match: { path: ['/x', '/a?status=paid'] } },
      'match.path[1]: the query is no part of the path: use "query" for it',
    ],
    [{ match: { path: '*' } }, 'match.path: "*" matches only "/"; every path is "/**"'],
    [{ match: { path: '/order-:id' } }, 'match.path: ":" is taken literally in "order-:id"'],
    [
      { match: { host: 'other.example' } },
      'match.host: never fires: no host of this site matches (shop.example, *.shop.example)',
    ],
    [{ match: { host: ['*.other.example', 'a.other.example'] } }, 'match.host: never fires'],
    [{ match: { status: 206 } }, 'match.status: never fires: an answer of this status is no complete page'],
    [{ match: { status: [404, 500] } }, 'match.status: only redirects and errors'],
    [{ match: { method: 'POST', status: 404 } }, 'match.status: only redirects and errors'],
    [{ match: { method: 'POST' } }, 'match.method: a page that answers a POST may be the form again'],
    [
      { match: { method: ['GET', 'POST'] } },
      'match.method: a page that answers a POST may be the form again',
    ],
    [{ rule: { enabled: false } }, 'enabled: the rule "r" is switched off'],
    [
      { integrations: [active, paused], action: { targets: ['p'] } },
      'actions[0].targets: nothing is sent: every integration it goes to is paused',
    ],
    [{ integrations: [paused] }, 'actions[0]: nothing is sent: every integration it goes to is paused'],
    [{ integrations: [] }, 'sites[0]: no integration is declared here'],
    [
      { action: { eventType: 'purchse' } },
      'actions[0].eventType: "purchse" is a custom event; did you mean "purchase"?',
    ],
  ])('%j', (parts, message) => {
    const all = warned(parts)
    expect(all).toHaveLength(1)
    expect(all[0]!.startsWith(message)).toBe(true)
  })
})

describe('no doubt is cast on', () => {
  test.each([
    [{ match: { method: ['GET', 'HEAD'] } }],
    [{ match: { method: 'PUT' }, rule: { navigation: false } }],
    [{ match: { path: ['/a/*', '!/a/b'] } }],
    [{ match: { path: ['/a', '/b', '!/a'] } }],
    [{ match: { path: '!/admin/**' } }],
    [{ match: { path: '**/done' } }],
    [{ match: { path: '/{en,de}/:id' } }],
    [{ match: { path: '/p/?x' } }],
    [{ match: { host: 'm.shop.example' } }],
    [{ match: { host: '*.shop.*' } }],
    [{ match: { host: ['other.example', 'shop.example'] } }],
    [{ match: { host: '!m.shop.example' } }],
    [{ match: { status: [200, 404] } }],
    [{ match: { status: 304 } }],
    [{ match: { method: 'POST', status: [302, 303] } }],
    [{ match: { method: 'POST', status: 200 } }],
    [{ match: { method: 'POST' }, action: { require: ['value'] } }],
    [{ match: { method: 'POST' }, rule: { navigation: false } }],
    [{ match: { method: 'POST', status: 204 }, rule: { navigation: false } }],
    [{ action: { targets: ['alpha', 'p'] }, integrations: [active, paused] }],
    [{ action: { eventType: 'Purchase' } }],
    [{ action: { eventType: 'begin_checkout' } }],
    [{ action: { eventType: 'newsletter_opened' } }],
  ])('%j', (parts) => {
    expect(warned(parts)).toEqual([])
  })
})

test('a pattern of many wildcards says how long a path it is tried on', () => {
  expect(warned({ match: { path: '/@(a|b)/*-*-*' } })[0]).toContain(
    'tried only on paths of up to 256 characters',
  )
})
