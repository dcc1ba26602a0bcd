import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { UserData } from '../../../src/event/event.ts'
import { identify } from '../../../src/destinations/webhook/identify.ts'

const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
const context = { site: 'shop', integration: 'crm', defaultCountry: 'DE' }

const person: UserData = {
  email: ' Zoe.Example+Shop@Example.COM ',
  phone: '(030) 901820-0',
  firstName: '  Zoë  Anna ',
  lastName: "O'Neil",
  city: 'São Paulo',
  state: 'SP',
  zip: '01310 100',
  country: 'Germany',
  externalId: ' Kunde-4711 ',
}

describe('a person', () => {
  test('is hashed in the plainest form of each field, and nothing of it is plain', () => {
    expect(identify(person, false, context)).toEqual({
      keys: {
        email_sha256: sha('zoe.example+shop@example.com'),
        phone_sha256: sha('+49309018200'),
        first_name_sha256: sha('zoë anna'),
        last_name_sha256: sha("o'neil"),
        city_sha256: sha('são paulo'),
        state_sha256: sha('sp'),
        zip_sha256: sha('01310100'),
        country_sha256: sha('de'),
        external_id_sha256: sha('kunde-4711'),
      },
      plain: {},
      leftOut: [],
    })
  })

  test('is plain as well where the integration asked for it', () => {
    const { keys, plain } = identify(person, true, context)
    expect(keys).toEqual(identify(person, false, context).keys)
    expect(plain).toEqual({
      email: 'zoe.example+shop@example.com',
      phone: '+49309018200',
      first_name: 'Zoë  Anna',
      last_name: "O'Neil",
      city: 'São Paulo',
      state: 'SP',
      zip: '01310 100',
      country: 'DE',
      external_id: 'Kunde-4711',
    })
  })

  test('who came hashed is not hashed again, and cannot be made plain', () => {
    const hashed = sha('zoe@example.com')
    expect(identify({ email: ` ${hashed.toUpperCase()} ` }, true, context)).toEqual({
      keys: { email_sha256: hashed },
      plain: {},
      leftOut: [],
    })
  })

  test('whose number is national belongs to the country given, else to the site’s', () => {
    const keysOf = (userData: UserData) =>
      identify(userData, false, { ...context, defaultCountry: 'DE' }).keys
    expect(keysOf({ phone: '030 9018200', country: 'DE' })['phone_sha256']).toBe(sha('+49309018200'))
    expect(keysOf({ phone: '(212) 555-0123', country: 'US' })['phone_sha256']).toBe(sha('+12125550123'))
  })

  test.each<[UserData, string]>([
    [{ email: 'nobody' }, 'it is no e-mail address'],
    [{ email: '  ' }, 'it is empty'],
    [
      { email: createHash('md5').update('zoe@example.com').digest('hex') },
      'it is hashed already, and not with SHA-256',
    ],
    [{ phone: '030 901820' }, 'it is no phone number, or a national one on a site without a country'],
    [{ country: 'Atlantis' }, 'it is no country'],
    [{ firstName: ' -- ' }, 'it holds no letters'],
    [{ firstName: ' ' }, 'it is empty'],
  ])('with %j is told what could not be used, without the value', (userData, reason) => {
    const { keys, plain, leftOut } = identify(userData, true, { site: 'shop', integration: 'crm' })
    expect({ keys, plain }).toEqual({ keys: {}, plain: {} })
    expect(leftOut).toEqual([{ field: Object.keys(userData)[0], reason }])
  })
})
