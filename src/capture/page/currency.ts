/** Currency codes, and the signs and names that mean exactly one currency. */
import { isCurrency } from '../../event/money.ts'

/** Signs that several countries use (`$`, `¥`, `kr`, `Rs`) are absent on purpose. */
const signs: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '€': 'EUR',
    '£': 'GBP',
    '₹': 'INR',
    '₩': 'KRW',
    '₽': 'RUB',
    '₺': 'TRY',
    '₪': 'ILS',
    '₫': 'VND',
    '฿': 'THB',
    '₴': 'UAH',
    '₦': 'NGN',
    '₱': 'PHP',
    '₸': 'KZT',
    '₾': 'GEL',
    ZŁ: 'PLN',
    KČ: 'CZK',
    FT: 'HUF',
    ЛВ: 'BGN',
    LEI: 'RON',
    R$: 'BRL',
    US$: 'USD',
    C$: 'CAD',
    CA$: 'CAD',
    A$: 'AUD',
    AU$: 'AUD',
    NZ$: 'NZD',
    HK$: 'HKD',
    S$: 'SGD',
    NT$: 'TWD',
    MX$: 'MXN',
    FR: 'CHF',
    РУБ: 'RUB',
    원: 'KRW',
    円: 'JPY',
  }),
)

/** Codes that were replaced one to one, so that the old name still says which currency is meant. */
const renamed: ReadonlyMap<string, string> = new Map([['RUR', 'RUB']])

const codeOf = (text: string): string | null => {
  const code = renamed.get(text) ?? text
  return /^[A-Z]{3}$/.test(code) && isCurrency(code) ? code : null
}

/** A currency as it stands in a field of its own: a code in any letter case, or an unmistakable sign. */
export const readCurrency = (input: unknown): string | null => {
  if (typeof input !== 'string' || input.length > 64) return null
  const text = input.trim().toUpperCase()
  return codeOf(text) ?? signs.get(text.replace(/\.$/, '')) ?? null
}

/**
 * The currency named inside a written price (`19.99 USD`, `30,000원`). A bare sign names none: what `€` or `$` stands
 * for is the site's to say.
 */
export const readCurrencyIn = (input: unknown): string | null => {
  if (typeof input !== 'string' || input.length > 256) return null
  const found = new Set<string>()
  for (const [word] of input.matchAll(/\p{L}+/gu)) {
    const code = word === word.toUpperCase() ? codeOf(word) : null
    const named = code ?? (word === '원' || word === '円' ? signs.get(word) : undefined)
    if (named !== undefined) found.add(named)
  }
  const [only] = found
  return found.size === 1 ? (only ?? null) : null
}
