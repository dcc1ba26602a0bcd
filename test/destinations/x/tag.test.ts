import { describe, expect, test } from 'vitest'
import { platformName } from '../../../src/destinations/destination.ts'
import { x } from '../../../src/destinations/x/index.ts'
import { tagOf } from '../../../src/destinations/x/tag.ts'
import { xSettings } from '../../../src/destinations/x/settings.ts'
import { deliver, minimalEvent } from '../events.ts'

const plain = { pixelId: 'o8z6j', accessToken: 'pixelToken' }

/** As the route does it: the integration's mapping names the event first. */
const tag = (type: string, more: object, mapping: Readonly<Record<string, string>> = {}) =>
  tagOf(
    deliver({ ...minimalEvent, type, name: type }, { name: platformName(x, type, mapping) ?? '' }),
    xSettings.parse({ ...plain, ...more }),
  )

describe('the id of an event', () => {
  const eventIds = {
    purchase: 'tw-o8z6j-aaaa',
    'Sign Up': 'bbbb',
    CONTENT_VIEW: 'cccc',
    quiz_done: 'dddd',
    DOWNLOAD: 'eeee',
  }
  test.each([
    ['by its own name', 'purchase', 'tw-o8z6j-aaaa'],
    ['by another spelling', 'complete_registration', 'bbbb'],
    ["by X's name of its type", 'view_content', 'cccc'],
    ['of a custom event', 'quiz_done', 'dddd'],
    ["of a custom event by X's name of its type", 'download', 'eeee'],
    ['of all others', 'search', 'ffff'],
    ['of all others, for a custom event', 'constructor', 'ffff'],
    ['of all others, where only a namesake has one', 'lead', 'ffff'],
  ])('%s', (_what, type, id) => {
    expect(tag(type, { eventIds, defaultEventId: 'ffff' })).toEqual({ event_id: id })
  })

  test.each([
    ['an id', 'tw-o8z6j-zzzz', 'tw-o8z6j-zzzz'],
    ['a short id', 'zzzz', 'zzzz'],
    ['another event', 'quiz_done', 'dddd'],
    ['another event under an alias', 'Purchase', 'tw-o8z6j-aaaa'],
    ["X's name of another event", 'CONTENT_VIEW', 'cccc'],
  ])('by a mapping to %s', (_what, mapped, id) => {
    expect(tag('purchase', { eventIds }, { purchase: mapped })).toEqual({ event_id: id })
  })

  test('a mapping to nothing X could know is not papered over', () => {
    expect(tag('search', { eventIds, defaultEventId: 'ffff' }, { search: 'Suche' })).toBe(
      'eventMapping sends search to Suche: the id of an event in Events Manager, such as tw-o8z6j-o87ne',
    )
    expect(tag('search', { eventIds }, { search: 'tw-zzzzz-o87ne' })).toMatch(/belongs to the pixel zzzzz/)
  })

  test('is not made up', () => {
    expect(tag('search', { eventIds })).toMatch(/^X has no event for search here/)
  })

  test('may be a name instead, where the owner wants it', () => {
    expect(tag('search', { eventIds, gtmEventNames: true })).toEqual({ event_name: 'gtm_search' })
    expect(tag('Quiz', { eventIds, gtmEventNames: true })).toEqual({ event_name: 'gtm_quiz' })
    expect(tag('purchase', { eventIds, gtmEventNames: true })).toEqual({ event_id: 'tw-o8z6j-aaaa' })
  })
})

test('events of different ids do not travel together', () => {
  const settings = xSettings.parse({ ...plain, eventIds: { purchase: 'aaaa', lead: 'bbbb', search: 'aaaa' } })
  const key = (type: string) =>
    x.batchKey(deliver({ ...minimalEvent, type }, { name: platformName(x, type) ?? '' }), settings)
  expect(key('purchase')).toBe(key('search'))
  expect(key('purchase')).not.toBe(key('lead'))
})

test.each([
  ['purchase', 'PURCHASE'],
  ['add_to_cart', 'ADD_TO_CART'],
  ['view_content', 'CONTENT_VIEW'],
  ['initiate_checkout', 'CHECKOUT_INITIATED'],
  ['add_payment_info', 'ADDED_PAYMENT_INFO'],
  ['complete_registration', 'SIGN_UP'],
  ['lead', 'SIGN_UP'],
  ['search', 'SEARCH'],
  ['add_to_wishlist', 'ADD_TO_WISHLIST'],
  ['subscribe', 'SUBSCRIBE'],
  ['start_trial', 'START_TRIAL'],
  ['page_view', 'SITE_VISIT'],
  ['contact', 'CUSTOM'],
  ['Download', 'DOWNLOAD'],
  ['customize_product', 'PRODUCT_CUSTOMIZATION'],
  ['quiz_done', 'CUSTOM'],
])("%s is of X's type %s", (type, name) => {
  expect(platformName(x, type)).toBe(name)
})

describe('settings', () => {
  const oauth = { consumerKey: 'ck', consumerSecret: 'cs', accessTokenSecret: 'ats' }
  test.each<readonly [object, readonly (readonly PropertyKey[])[]]>([
    [{ ...plain, pixelId: 'O8Z6J' }, [['pixelId']]],
    [{ ...plain, pixelId: 'tw-o8z6j' }, [['pixelId']]],
    [{ ...plain, accessToken: 'two words' }, [['accessToken']]],
    [{ ...plain, consumerKey: 'ck' }, [['consumerSecret'], ['accessTokenSecret']]],
    [{ ...plain, ...oauth, consumerSecret: undefined }, [['consumerSecret']]],
    [{ ...plain, eventIds: { purchase: 'Purchase' } }, [['eventIds', 'purchase']]],
    [{ ...plain, eventIds: { purchase: 'tw-zzzzz-o87ne' } }, [['eventIds', 'purchase']]],
    [{ ...plain, eventIds: { purchase: '' } }, [['eventIds', 'purchase']]],
    [{ ...plain, eventIds: { purchase: 'a', Purchase: 'b' } }, [['eventIds', 'Purchase']]],
    [{ ...plain, defaultEventId: 'tw-o8z6j-' }, [['defaultEventId']]],
  ])('%j are refused, where they are wrong', (written, paths) => {
    const { error } = x.settings.safeParse(written)
    expect(error?.issues.map(({ path }) => path)).toEqual(paths)
  })

  test('are as few as the console shows', () => {
    expect(x.settings.safeParse(plain).success).toBe(true)
    expect(x.settings.safeParse({ ...plain, ...oauth }).success).toBe(true)
  })

  test('a token pasted with the word of another scheme is the token', () => {
    expect(x.settings.parse({ ...plain, accessToken: 'Bearer pixelToken' })).toMatchObject({
      accessToken: 'pixelToken',
    })
  })
})
