/** Currencies and amounts. ISO 4217 as of 2026-11; the list is ours because the runtime's own changes with its version. */

const codes =
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN
UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`.split(/\s+/)

const currencies: ReadonlySet<string> = new Set(codes)
/** Withdrawn, yet still written by shops. Amounts differ from the successor's, so none is mapped. */
const retired: ReadonlySet<string> = new Set(['HRK', 'SLL', 'ZWL', 'ANG', 'BGN', 'CUC'])

const minorUnitsOf: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
  ...'CLF UYW'.split(' ').map((code) => [code, 4] as const),
])

/** Decimal places of a currency; 2 for those the list does not single out. */
export const minorUnits = (currency: string): number => minorUnitsOf.get(currency) ?? 2

export const isCurrency = (code: string): boolean => currencies.has(code) || retired.has(code)
export const isRetiredCurrency = (code: string): boolean => retired.has(code)

/** Half up at the currency's smallest unit. Meant for the moment a request is built, not for reading. */
export const roundAmount = (value: number, currency: string | undefined): number => {
  const factor = 10 ** (currency === undefined ? 2 : minorUnits(currency))
  return Math.round((value + Number.EPSILON) * factor) / factor
}
