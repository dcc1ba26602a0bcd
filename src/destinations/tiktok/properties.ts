import type { ContentItem, CustomData } from '../../event/event.ts'
import { roundAmount } from '../../event/money.ts'
import { cleanProperties, cleanText, known } from '../clean.ts'
import type { TiktokSettings } from './settings.ts'

/** What was bought or looked at, as TikTok's `properties`. Its keys are a closed list, so a sender's own are left out. */

/** tiktok/tiktok-business-api-sdk, js_sdk/docs (2026-11-20); `furtherCurrencies` is for what came later. */
const currencies: ReadonlySet<string> = new Set(
  `AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL HUF IDR ILS INR ISK JPY KES
KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VES
VND ZAR`.split(/\s+/),
)

export const takesCurrency = (currency: string, { furtherCurrencies = [] }: TiktokSettings): boolean =>
  currencies.has(currency) || furtherCurrencies.includes(currency)

type Properties = Readonly<Record<string, unknown>>

const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
/** What a rule or a sender may set besides our own fields. */
const settable: Readonly<Record<string, (value: unknown) => boolean>> = {
  description: isText,
  status: isText,
  shop_id: isText,
  predicted_ltv: (value) => typeof value === 'number',
  delivery_category: (value) => value === 'in_store' || value === 'curbside' || value === 'home_delivery',
}

const contentTypes: ReadonlySet<string> = new Set(['product', 'product_group'])

const contentOf = (item: ContentItem, currency: string | undefined): Properties =>
  known({
    content_id: item.id,
    content_name: cleanText(item.name),
    content_category: cleanText(item.category),
    brand: cleanText(item.brand),
    price: item.price === undefined ? undefined : roundAmount(item.price, currency),
    quantity: item.quantity === undefined ? undefined : Math.max(Math.round(item.quantity), 1),
  })

const isId = (id: string): boolean => id.trim() !== ''

/** What is said of the whole event is said of its product where there is one: TikTok has no other place for it. */
const itemsOf = ({
  contents,
  contentIds,
  contentName,
  contentCategory,
}: CustomData): readonly ContentItem[] => {
  if (contents !== undefined) return contents.filter(({ id }) => isId(id))
  const [id, ...others] = contentIds ?? []
  if (id === undefined || !isId(id) || others.length > 0) return []
  if (contentName === undefined && contentCategory === undefined) return []
  return [
    {
      id,
      ...(contentName === undefined ? {} : { name: contentName }),
      ...(contentCategory === undefined ? {} : { category: contentCategory }),
    },
  ]
}

export const propertiesOf = (custom: CustomData, settings: TiktokSettings): Properties => {
  const { value, currency, contents, contentIds } = custom
  const foreign = currency !== undefined && !takesCurrency(currency, settings)
  const query = cleanText(custom.searchString)
  return known({
    description: cleanText(custom.contentName),
    ...Object.fromEntries(
      cleanProperties(custom.properties).filter(
        ([name, given]) => Object.hasOwn(settable, name) && settable[name]?.(given) === true,
      ),
    ),
    // An amount without its currency says nothing, and one in a currency that TikTok does not know costs the batch.
    ...(value !== undefined && Number.isFinite(value) && currency !== undefined && !foreign
      ? { value: roundAmount(value, currency), currency }
      : {}),
    order_id: cleanText(custom.orderId),
    content_type: contentTypes.has(custom.contentType ?? '') ? custom.contentType : undefined,
    content_ids: (contentIds ?? contents?.map(({ id }) => id))?.filter(isId),
    contents: itemsOf(custom).map(({ price, ...item }) =>
      contentOf({ ...item, ...(price === undefined || foreign ? {} : { price }) }, currency),
    ),
    num_items: custom.numItems === undefined ? undefined : Math.round(custom.numItems),
    // The older name and the newer one: either may be what a report reads.
    query,
    search_string: query,
  })
}
