import { describe, expect, test } from 'vitest'
import { parseRules, type CheckCertificate } from '../../src/rules-file/parse.ts'
import { formatProblems } from '../../src/rules-file/problem.ts'
import { depsWith, fileWith } from './deps.ts'

const sound: CheckCertificate = () => ({ problems: [], doubts: [] })
const read = (site: object, checkCertificate: CheckCertificate = sound, more = '') => {
  const text = fileWith({ site }).replace('{\n', `{\n${more}`)
  return parseRules(text, { ...depsWith(), checkCertificate })
}
const said = (result: ReturnType<typeof read>): string =>
  formatProblems('rules.json', result.ok ? result.warnings : result.problems)

const files = { cert: 'shop.crt', key: 'shop.key' }

describe('a site’s certificate', () => {
  test('is looked at with the hosts it is for', () => {
    const asked: unknown[] = []
    const result = read({ tls: files }, (pair, hosts) => {
      asked.push([pair, hosts])
      return { problems: [], doubts: [] }
    })
    expect(result).toMatchObject({ ok: true, sites: [{ traffic: { tls: files } }] })
    expect(asked).toEqual([[files, ['shop.example', '*.shop.example']]])
  })

  test('that is wrong is a problem at the line that names it', () => {
    const result = read({ tls: files }, () => ({
      problems: [
        { of: 'cert', message: '"shop.crt" cannot be read: there is no such file' },
        { of: 'key', message: 'this is no private key in PEM form' },
      ],
      doubts: [],
    }))
    expect(result.ok).toBe(false)
    expect(said(result)).toBe(
      'rules.json:37:17  sites[0].tls.cert: "shop.crt" cannot be read: there is no such file\n' +
        'rules.json:38:16  sites[0].tls.key: this is no private key in PEM form\n',
    )
  })

  test('that visitors will trip over is a warning', () => {
    const result = read({ tls: files }, () => ({ problems: [], doubts: ['the certificate ran out'] }))
    expect(result.ok).toBe(true)
    expect(said(result)).toBe('rules.json:37:17  warning: sites[0].tls.cert: the certificate ran out\n')
  })

  test.each<[object, RegExp]>([
    [{ tls: { cert: 'a' } }, /sites\[0\]\.tls: the key "key" is missing/],
    [{ tls: { cert: 'a', kee: 'b' } }, /kee.*did you mean "key"/],
    [{ tls: 'akme' }, /sites\[0\]\.tls: .*"acme"/],
    [{ tls: true }, /sites\[0\]\.tls: /],
    [{ redirectToHttps: 70_000 }, /sites\[0\]\.redirectToHttps: /],
    [{ redirectToHttps: 'yes' }, /sites\[0\]\.redirectToHttps: /],
  ])('%j is refused', (site, expected) => {
    const result = read(site)
    expect(result.ok).toBe(false)
    expect(said(result)).toMatch(expected)
  })
})

describe('certificates that are issued', () => {
  test('are for names, each of which can be tested', () => {
    expect(read({ tls: 'acme', hosts: ['shop.example', 'www.shop.example'] })).toMatchObject({
      ok: true,
      acme: null,
    })
    const result = read({ tls: 'acme', hosts: ['shop.example', '*.shop.example', '*'] })
    expect(said(result)).toMatch(
      /hosts\[1\]: no certificate can be issued for "\*\.shop\.example": name each host/,
    )
    expect(said(result)).toMatch(/hosts\[2\]: no certificate can be issued for "\*"/)
  })

  test('come from the authority that the file names', () => {
    const acme = { email: 'me@shop.example', directory: 'https://acme.example/directory', ca: 'root.pem' }
    const more = `"acme": ${JSON.stringify(acme)},\n`
    expect(read({ tls: 'acme', hosts: ['shop.example'] }, sound, more)).toMatchObject({ ok: true, acme })
  })

  test.each([
    ['{ "email": "nobody" }', /acme\.email: .*e-mail address/],
    ['{ "directory": "http://acme.example/" }', /acme\.directory: .*https:\/\/ address/],
    ['{ "mail": "me@shop.example" }', /mail.*did you mean "email"/],
  ])('and %s is no authority', (acme, expected) => {
    const result = read({}, sound, `"acme": ${acme},\n`)
    expect(result.ok).toBe(false)
    expect(said(result)).toMatch(expected)
  })
})
