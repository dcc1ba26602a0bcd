/** Countries as people write them, to ISO 3166-1 alpha-2 in upper case. */

/** Alpha-2 and alpha-3, plus Kosovo's user-assigned pair that every platform takes. */
const codes =
  `ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE BABIH BBBRB BDBGD BEBEL
BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD
CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA
DODOM DZDZA ECECU EEEST EGEGY EHESH ERERI ESESP ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF
GGGGY GHGHA GIGIB GLGRL GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV HTHTI HUHUN
IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA
KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE
MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM
NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM
PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN
SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL
TLTLS TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN VGVGB VIVIR
VNVNM VUVUT WFWLF WSWSM XKXKX YEYEM YTMYT ZAZAF ZMZMB ZWZWE`
    .split(/\s+/)
    .map((pair) => [pair.slice(0, 2), pair.slice(2)] as const)

/** What shops write and no table of names holds. */
const nicknames: Readonly<Record<string, string>> = {
  UK: 'GB',
  EL: 'GR',
  'Great Britain': 'GB',
  England: 'GB',
  Scotland: 'GB',
  Wales: 'GB',
  'Northern Ireland': 'GB',
  'United States of America': 'US',
  America: 'US',
  'Czech Republic': 'CZ',
  Holland: 'NL',
  'The Netherlands': 'NL',
  'Russian Federation': 'RU',
  Korea: 'KR',
  'Republic of Korea': 'KR',
  'Viet Nam': 'VN',
  Turkey: 'TR',
  Türkiye: 'TR',
  UAE: 'AE',
  'Hong Kong': 'HK',
  Macau: 'MO',
  Macedonia: 'MK',
  'Ivory Coast': 'CI',
  Burma: 'MM',
  'Cabo Verde': 'CV',
  Swaziland: 'SZ',
  'Republic of Ireland': 'IE',
}

/** The languages of most shops; English first, because it wins where two languages share a name. */
const languages = [
  'en',
  'de',
  'fr',
  'es',
  'it',
  'pt',
  'nl',
  'pl',
  'cs',
  'sv',
  'da',
  'nb',
  'fi',
  'hu',
  'ro',
  'el',
]

const fold = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll('&', 'and')
    .replace(/\bst\b/g, 'saint')
    .replace(/[^\p{L}]+/gu, '')

const namesOf = (language: string): readonly (readonly [string, string])[] => {
  const names = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' })
  return codes.flatMap(([alpha2]) => {
    const name = names.of(alpha2)
    return name === undefined ? [] : [[fold(name), alpha2] as const]
  })
}

let byName: ReadonlyMap<string, string> | null = null

/** Built at the first use: a site that never sees a country's name does not pay for the table. */
const table = (): ReadonlyMap<string, string> => {
  byName ??= new Map([
    ...languages.toReversed().flatMap(namesOf),
    ...Object.entries(nicknames).map(([name, alpha2]) => [fold(name), alpha2] as const),
    ...codes.map(([alpha2, alpha3]) => [fold(alpha3), alpha2] as const),
    ...codes.map(([alpha2]) => [fold(alpha2), alpha2] as const),
  ])
  return byName
}

/** `DE` for `de`, `DEU`, `Germany` and `Deutschland`; `null` for what names no country. */
export const countryCode = (written: string): string | null => table().get(fold(written)) ?? null

const alpha2Codes: ReadonlySet<string> = new Set(codes.map(([alpha2]) => alpha2))

/** Whether two capital letters are a country's. */
export const isCountry = (code: string): boolean => alpha2Codes.has(code)
