/** The shop's pages, with the markup that real shops have: JSON-LD on products and orders, a consent banner. */

export interface Product {
  readonly sku: string
  readonly name: string
  readonly price: number
  readonly hue: number
  readonly text: string
}

export interface Order {
  readonly id: string
  readonly skus: readonly string[]
  readonly email: string
}

export const catalogue: ReadonlyMap<string, Product> = new Map(
  [
    {
      sku: 'lamp',
      name: 'Harbour Lamp',
      price: 64.95,
      hue: 38,
      text: 'Brass, opal glass, a switch that clicks.',
    },
    {
      sku: 'chair',
      name: 'Quay Chair',
      price: 189,
      hue: 205,
      text: 'Bent ash and woven cord, for long evenings.',
    },
    {
      sku: 'kettle',
      name: 'Lock-keeper’s Kettle',
      price: 79.5,
      hue: 150,
      text: 'Enamelled steel, one and a half litres.',
    },
    {
      sku: 'blanket',
      name: 'Towpath Blanket',
      price: 119,
      hue: 340,
      text: 'Lambswool, woven on narrow looms.',
    },
  ].map((product) => [product.sku, product]),
)

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')
const euros = (amount: number): string => `${amount.toFixed(2).replace('.', ',')} €`
const jsonLd = (value: object): string =>
  `<script type="application/ld+json">${JSON.stringify({ '@context': 'https://schema.org', ...value }).replaceAll('<', '\\u003c')}</script>`

const style = `
:root { color-scheme: light; font: 16px/1.55 system-ui, sans-serif; color: #22302f; background: #f6f4ef }
body { margin: 0 } a { color: inherit } main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.5rem 8rem }
header { display: flex; justify-content: space-between; align-items: baseline; max-width: 62rem; margin: 0 auto; padding: 1.5rem }
header a { text-decoration: none; font-weight: 650; letter-spacing: .02em } h1 { font-weight: 600; line-height: 1.15; margin: .2em 0 }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.25rem; padding: 0; list-style: none }
.card { display: block; text-decoration: none; background: #fff; border-radius: 14px; overflow: hidden; box-shadow: 0 1px 2px #0001, 0 8px 24px #0000000d }
.card div { padding: .9rem 1.1rem 1.1rem } .picture { height: 9rem } .large { height: 18rem; border-radius: 18px }
.price { color: #4c5f5d; font-variant-numeric: tabular-nums } .columns { display: grid; grid-template-columns: 1fr 1fr; gap: 2.5rem; align-items: center }
button { font: inherit; font-weight: 600; color: #fff; background: #1f5d57; border: 0; border-radius: 10px; padding: .7rem 1.3rem; cursor: pointer }
button.quiet { background: #e4e2da; color: #22302f } input { font: inherit; padding: .65rem .8rem; border: 1px solid #cfccc2; border-radius: 10px; width: 16rem }
table { width: 100%; border-collapse: collapse; background: #fff; border-radius: 14px } td { padding: .8rem 1.1rem; border-bottom: 1px solid #efece4 } td:last-child { text-align: right; font-variant-numeric: tabular-nums }
.banner { position: fixed; inset: auto 1rem 1rem; max-width: 60rem; margin: 0 auto; background: #22302f; color: #f6f4ef; padding: 1.1rem 1.4rem; border-radius: 16px; display: flex; gap: 1rem; align-items: center; flex-wrap: wrap }
.banner p { margin: 0; flex: 1 1 20rem } @media (max-width: 40rem) { .columns { grid-template-columns: 1fr } }
`

/** Writes the canonical consent cookie; reloads, so that the page at hand is seen with the choice. */
const banner = `
<div class="banner" id="consent" hidden><p>May we count what you look at, and tell our advertising partners what you buy?</p>
<button data-choice="analytics.marketing.personalization">Yes, all of it</button><button data-choice="none" class="quiet">No</button></div>
<script>
(() => { const banner = document.getElementById('consent')
banner.hidden = document.cookie.includes('_sw_consent=')
banner.addEventListener('click', ({ target }) => { if (!target.dataset.choice) return
document.cookie = '_sw_consent=' + target.dataset.choice + '; Path=/; Max-Age=15552000; SameSite=Lax'; location.reload() }) })()
</script>`

const page = (title: string, head: string, inCart: number, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Lock &amp; Harbour</title><style>${style}</style>${head}</head>
<body><header><a href="/">Lock &amp; Harbour</a><a href="/cart">Basket${inCart > 0 ? ` (${inCart})` : ''}</a></header>
<main>${body}</main>${banner}</body></html>
`

const picture = ({ hue }: Product, size = ''): string =>
  `<div class="picture ${size}" style="background: radial-gradient(circle at 30% 25%, hsl(${hue} 70% 88%), hsl(${hue} 42% 56%))"></div>`

const card = (product: Product): string =>
  `<li><a class="card" href="/products/${product.sku}">${picture(product)}<div>${escape(product.name)}<br><span class="price">${euros(product.price)}</span></div></a></li>`

export const homePage = (inCart: number): string =>
  page(
    'Things for the house',
    '',
    inCart,
    `<h1>Things for the house,<br>made near the water.</h1><ul class="grid">${[...catalogue.values()].map(card).join('')}</ul>`,
  )

const offer = (product: Product): object => ({
  '@type': 'Product',
  sku: product.sku,
  name: product.name,
  offers: {
    '@type': 'Offer',
    price: product.price.toFixed(2),
    priceCurrency: 'EUR',
    availability: 'https://schema.org/InStock',
  },
})

export const productPage = (product: Product, inCart: number): string =>
  page(
    product.name,
    jsonLd(offer(product)),
    inCart,
    `<div class="columns">${picture(product, 'large')}<div><h1>${escape(product.name)}</h1><p>${escape(product.text)}</p><p class="price">${euros(product.price)}</p>
<form method="post" action="/cart"><input type="hidden" name="sku" value="${product.sku}"><button>Put into the basket</button></form></div></div>`,
  )

const productsOf = (skus: readonly string[]): readonly Product[] =>
  skus.flatMap((sku) => catalogue.get(sku) ?? [])
const totalOf = (skus: readonly string[]): number =>
  productsOf(skus).reduce((sum, { price }) => sum + price, 0)
const lines = (skus: readonly string[]): string =>
  `<table>${productsOf(skus)
    .map(({ name, price }) => `<tr><td>${escape(name)}</td><td>${euros(price)}</td></tr>`)
    .join('')}<tr><td><b>Total</b></td><td><b class="total">${euros(totalOf(skus))}</b></td></tr></table>`

export const cartPage = (skus: readonly string[]): string =>
  page(
    'Your basket',
    '',
    skus.length,
    skus.length === 0
      ? '<h1>Your basket is empty.</h1><p><a href="/">Look around</a></p>'
      : `<h1>Your basket</h1>${lines(skus)}<form method="post" action="/checkout"><p><input type="email" name="email" placeholder="E-mail for the receipt" required> <button>Buy</button></p></form>`,
  )

export const orderPage = (order: Order): string =>
  page(
    'Thank you',
    jsonLd({
      '@type': 'Order',
      orderNumber: order.id,
      price: totalOf(order.skus).toFixed(2),
      priceCurrency: 'EUR',
      orderedItem: order.skus.map((sku) => ({
        '@type': 'OrderItem',
        orderQuantity: 1,
        orderedItem: { '@type': 'Product', sku, name: catalogue.get(sku)?.name },
      })),
    }),
    0,
    `<h1>Thank you.</h1><p>Order <b>${escape(order.id)}</b>; the receipt goes to <span id="email">${escape(order.email)}</span>.</p>${lines(order.skus)}<p><a href="/">Back to the shop</a></p>`,
  )
