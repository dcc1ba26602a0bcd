import { describe, expect, test } from 'vitest'
import { mayCache, mayReadCache } from '../../src/capture/product-cacheable.ts'
import type { CacheQuestion } from '../../src/capture/product-cacheable.ts'

const answer = (status = 200, ...rawHeaders: string[]) => ({
  status,
  rawHeaders: ['Content-Type', 'text/html; charset=utf-8', ...rawHeaders],
})
const product: CacheQuestion = {
  url: 'https://shop.example/products/shoe?variant=2',
  eventType: 'view_content',
  requestHeaders: ['Host', 'shop.example', 'Cookie', '_ga=GA1.1.1.2; PHPSESSID=abc'],
  response: answer(
    200,
    'Cache-Control',
    'max-age=600',
    'Vary',
    'Accept-Encoding',
    'Set-Cookie',
    'PHPSESSID=abc',
  ),
  pageHasOrder: false,
}
/** Putting and reading are refused alike. */
const both = (change: Partial<CacheQuestion>): [put: boolean, read: boolean] => [
  mayCache({ ...product, ...change }),
  mayReadCache({ ...product, ...change }),
]
const allowed = [true, true]
const refused = [false, false]

test('an ordinary product page is cached', () => {
  expect(both({})).toEqual(allowed)
})

describe('orders stay out', () => {
  test('a page that holds an order is refused', () => {
    expect(both({ pageHasOrder: true })).toEqual(refused)
  })

  test.each([
    'purchase',
    'Purchase',
    'transaction.purchase',
    'lead',
    'initiate_checkout',
    'checkout.started',
    'add_payment_info',
    'subscribe',
    'start_trial',
    'order_shipped',
    'InvoicePaid',
  ])('the event %s', (eventType) => {
    expect(both({ eventType })).toEqual(refused)
  })

  test.each(['view_content', 'page_view', 'add_to_cart', 'search', 'add_to_wishlist', 'looked_at_sizes'])(
    'but not %s',
    (eventType) => {
      expect(both({ eventType })).toEqual(allowed)
    },
  )

  test.each([
    '/checkout',
    '/checkout/thank-you',
    '/Checkout/Onepage/Success/',
    '/checkouts/c/0123/thank_you',
    '/de/cart',
    '/cart.php',
    '/basket;jsessionid=1',
    '/shopping-bag',
    '/account/orders/17',
    '/my-account/',
    '/order-received/1234',
    '/en/order-confirmation',
    '/order_confirmation.html',
    '/thankyou',
    '/thanks',
    '/orders/8a7b',
    '/success',
    '/%63heckout',
    '/index.php?route=checkout/success',
    '/index.php?controller=order-confirmation&id_order=5',
    '/?page=cart',
    '/shop/?order-received=12&key=wc_order_x',
    '/any?key=wc_order_x',
    '/warenkorb',
    '/kasse/',
    '/vielen-dank',
    '/bestellbestätigung',
    '/bestellbest%C3%A4tigung',
    '/panier',
    '/commande/merci',
    '/carrito',
    '/mi-cuenta',
    '/grazie',
    '/bedankt',
    '/koszyk',
    '/100%',
  ])('the address %s', (path) => {
    expect(both({ url: `https://shop.example${path}` })).toEqual(refused)
  })

  test.each([
    '/products/leather-bag',
    '/bags/',
    '/collections/shopping-cart-toys',
    '/products/thanksgiving-plate',
    '/buch/danke-karten',
    '/books/an-account-of-the-war',
    '/en/telephone-pager',
    '/',
    '',
  ])('but not %s', (path) => {
    expect(both({ url: `https://shop.example${path}` })).toEqual(allowed)
  })

  test('nor what is no address', () => {
    expect(both({ url: 'shop.example/p' })).toEqual(refused)
  })
})

describe('pages made for one visitor stay out', () => {
  const withCookies = (cookies: string, more: Partial<CacheQuestion> = {}): boolean[] =>
    both({ requestHeaders: ['cookie', cookies], ...more })

  test('a request with Authorization', () => {
    expect(both({ requestHeaders: ['authorization', 'Basic eDp5'] })).toEqual(refused)
  })

  test.each([
    'currency',
    'cart_currency',
    'localization',
    'nt_currency',
    'wcml_client_currency',
    'woocommerce_items_in_cart',
    'wordpress_logged_in_9f',
    'X-Magento-Vary',
    'Currency',
  ])('the cookie %s, unless its value is part of the key', (name) => {
    const cookies = `_ga=1; ${name}=x`
    expect(withCookies(cookies)).toEqual(refused)
    expect(withCookies(cookies, { varyCookies: ['other'] })).toEqual(refused)
    expect(withCookies(cookies, { varyCookies: [name] })).toEqual(allowed)
    expect(withCookies(cookies, { varyCookies: [`${name.slice(0, 4)}*`] })).toEqual(allowed)
  })

  test('one varied cookie does not excuse another', () => {
    expect(withCookies('currency=USD; localization=US', { varyCookies: ['currency'] })).toEqual(refused)
  })

  test('a cookie the site names', () => {
    expect(withCookies('dealer=7')).toEqual(allowed)
    expect(withCookies('dealer=7', { personalCookies: ['dealer'] })).toEqual(refused)
    expect(withCookies('dealer_7=x', { personalCookies: ['dealer_*'] })).toEqual(refused)
  })

  test('more cookies than are read', () => {
    expect(withCookies('a=1; '.repeat(300))).toEqual(refused)
  })

  test.each([
    'wordpress_logged_in_9f=x; path=/',
    'customer_token=x',
    'isLoggedIn=1',
    'auth=x; HttpOnly',
    'remember_me=1',
    '__Host-access_token=x',
    'currency=USD',
    'localization=US; path=/',
  ])('an answer that sets %s', (field) => {
    expect(both({ response: answer(200, 'Set-Cookie', 'a=1', 'set-cookie', field) })).toEqual(refused)
  })

  test.each([
    'PHPSESSID=x',
    'XSRF-TOKEN=x',
    'author=x',
    'secure_customer_sig=; path=/',
    'customer_token=x; Max-Age=0',
    'auth=x; expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'remember=deleted',
    'no cookie',
  ])('but not one that sets %s', (field) => {
    expect(both({ response: answer(200, 'Set-Cookie', field) })).toEqual(allowed)
  })

  test('an answer that gives a first visitor the shop’s choice of currency; but not one that repeats the visitor’s own', () => {
    const response = answer(200, 'Set-Cookie', 'currency=USD; Max-Age=9')
    const varyCookies = ['currency']
    expect(both({ response, varyCookies })).toEqual(refused)
    expect(withCookies('currency=EUR', { response, varyCookies })).toEqual(refused)
    expect(withCookies('currency=USD', { response, varyCookies })).toEqual(allowed)
  })
})

describe('what the answer says of itself', () => {
  test.each(['no-store', 'private', 'Private, max-age=60', 'max-age=0,NO-STORE', 'private="set-cookie"'])(
    'Cache-Control: %s',
    (value) => {
      expect(both({ response: answer(200, 'cache-control', value) })).toEqual(refused)
    },
  )

  test.each(['no-cache', 'public, max-age=0', 'must-revalidate', 'x-private=1'])(
    'but not Cache-Control: %s',
    (value) => {
      expect(both({ response: answer(200, 'cache-control', value) })).toEqual(allowed)
    },
  )

  test('private, but not no-store, can be overlooked', () => {
    const says = (value: string) => ({ response: answer(200, 'cache-control', value), ignorePrivate: true })
    expect(both(says('private'))).toEqual(allowed)
    expect(both(says('private, no-store'))).toEqual(refused)
  })

  test.each([
    '*',
    'Accept-Encoding, *',
    'Cookie',
    'accept-encoding,cookie',
    'X-Forwarded-For',
    'X-Country-Code',
  ])('Vary: %s', (value) => {
    expect(both({ response: answer(200, 'Vary', value) })).toEqual(refused)
  })

  test.each(['Accept-Encoding', 'User-Agent', 'Accept-Language', 'Origin, Sec-Fetch-Dest'])(
    'but not Vary: %s',
    (value) => {
      expect(both({ response: answer(200, 'Vary', value) })).toEqual(allowed)
    },
  )

  test('Vary: Cookie is fine where the site says which cookies', () => {
    expect(both({ response: answer(200, 'Vary', 'Cookie'), varyCookies: ['currency'] })).toEqual(allowed)
  })

  test('Vary by a country that is in the request, or known', () => {
    const response = answer(200, 'Vary', 'CloudFront-Viewer-Country')
    expect(both({ response })).toEqual(refused)
    expect(both({ response, country: 'DE' })).toEqual(allowed)
    expect(both({ response, requestHeaders: ['cloudfront-viewer-country', 'DE'] })).toEqual(allowed)
    expect(both({ response: answer(200, 'Vary', 'X-Currency'), country: 'DE' })).toEqual(refused)
  })

  test.each([201, 203, 206, 301, 404, 410, 500])('status %i', (status) => {
    expect(both({ response: answer(status) })).toEqual(refused)
  })

  test.each([
    [['Content-Type', 'application/json']],
    [['Content-Type', 'text/html5']],
    [['Content-Type', 'application/xhtml+xml']],
    [[]],
  ])('content type %j', (rawHeaders) => {
    expect(both({ response: { status: 200, rawHeaders } })).toEqual(refused)
  })

  test.each(['text/html', 'TEXT/HTML;charset=utf-8', ' text/html ; x=y'])('but not %s', (type) => {
    expect(both({ response: { status: 200, rawHeaders: ['content-type', type] } })).toEqual(allowed)
  })
})

describe('pages without a body of their own', () => {
  test('a 304 is read from the cache and never put into it, whether or not it names its type', () => {
    expect(both({ response: { status: 304, rawHeaders: [] } })).toEqual([false, true])
    expect(both({ response: { status: 304, rawHeaders: ['cache-control', 'private'] } })).toEqual(refused)
  })

  test('an event without a request is read from the cache and never put into it', () => {
    expect(both({ response: null, requestHeaders: [] })).toEqual([false, true])
    expect(both({ response: null, requestHeaders: [], eventType: 'purchase' })).toEqual(refused)
  })
})
