"""The shares that the generated sessions are made of: public facts, roughly as of July 2025.

Ticker, B3's short name, share class, listing segment (`-` for none), the market value of the
shares an index counts in millions of reais, the price in centavos, and B3's sector in the form
of the portfolio's pages, irregular spaces and accents included. Values and prices are rounded:
they make weights plausible, and are no record of any session.
"""

from typing import NamedTuple


class ListedShare(NamedTuple):
    """One share that an index can hold.

    Attributes:
        ticker: B3's code, e.g. `PETR4`.
        asset_name: B3's short name of the issuer, at most 12 characters.
        share_class: `ON`, `PN`, `PNA`, `PNB` or `UNT`.
        listing_segment: `NM`, `N1`, `N2`; None outside of them.
        value_brl_millions: Market value that an index counts, in millions of reais.
        price_centavos: Price of one share, in centavos.
        sector: B3's sector and subsector.
    """

    ticker: str
    asset_name: str
    share_class: str
    listing_segment: str | None
    value_brl_millions: int
    price_centavos: int
    sector: str


_TABLE = """
ALOS3 | ALLOS        | ON  | NM |  10000 |  2200 | Financ e Outros / Explor Imóveis
ABEV3 | AMBEV S/A    | ON  | -  |  57000 |  1290 | Cons N Cíclico / Bebidas
ASAI3 | ASSAI        | ON  | NM |  13000 |   980 | Cons N Cíclico / Comércio Distr.
AURE3 | AUREN        | ON  | NM |   3000 |   930 | Utilidade Públ / Energ Elétrica
AZZA3 | AZZAS 2154   | ON  | NM |   5300 |  3900 | Consumo Cíclico / Comércio
B3SA3 | B3           | ON  | NM |  73000 |  1400 | Financeiro e Outros/Serviços Financeiros Diversos
BBSE3 | BBSEGURIDADE | ON  | NM |  22000 |  3500 | Financ e Outros / Previd  Seguros
BBDC3 | BRADESCO     | ON  | N1 |  20000 |  1370 | Financ e Outros / Interms Financs
BBDC4 | BRADESCO     | PN  | N1 |  81000 |  1590 | Financ e Outros / Interms Financs
BRAP4 | BRADESPAR    | PN  | N1 |   4000 |  1570 | Mats Básicos / Mineração
BBAS3 | BRASIL       | ON  | NM |  61000 |  2100 | Financ e Outros / Interms Financs
BRKM5 | BRASKEM      | PNA | N1 |   2300 |   880 | Mats Básicos / Químicos
BRAV3 | BRAVA        | ON  | NM |   7700 |  1710 | Petróleo, Gás e Biocombustíveis
BRFS3 | BRF SA       | ON  | NM |  16000 |  1890 | Cons N  Básico / Alimentos Processados
BPAC11| BTGP BANCO   | UNT | N2 |  52000 |  4000 | Financ e Outros / Interms Financs
CXSE3 | CAIXA SEGURI | ON  | NM |   8500 |  1420 | Financ e Outros / Previd  Seguros
CMIG4 | CEMIG        | PN  | N1 |  20000 |  1070 | Utilidade Públ / Energ Elétrica
COGN3 | COGNA ON     | ON  | NM |   5200 |   280 | Diversos
CPLE6 | COPEL        | PNB | N2 |  20000 |  1180 | Utilidade Públ / Energ Elétrica
CSAN3 | COSAN        | ON  | NM |   7900 |   680 | Petróleo, Gás e Biocombustíveis
CPFE3 | CPFL ENERGIA | ON  | NM |   7300 |  3900 | Utilidade Públ / Energ Elétrica
CMIN3 | CSNMINERACAO | ON  | N2 |   8200 |   500 | Mats Básicos / Mineração
CURY3 | CURY S/A     | ON  | NM |   4000 |  3000 | Consumo Cíclico/Constr Civil
CVCB3 | CVC BRASIL   | ON  | NM |   1100 |   240 | Consumo Cíclico/Viagens e Lazer
CYRE3 | CYRELA REALT | ON  | NM |   6400 |  2500 | Consumo Cíclico/Constr Civil
DIRR3 | DIRECIONAL   | ON  | NM |   4300 |  3900 | Consumo Cíclico/Constr Civil
ELET3 | ELETROBRAS   | ON  | N1 |  71000 |  3900 | Utilidade Públ / Energ Elétrica
ELET6 | ELETROBRAS   | PNB | N1 |  12000 |  4300 | Utilidade Públ / Energ Elétrica
EMBR3 | EMBRAER      | ON  | NM |  58000 |  8000 | Bens Indls / Mat Transporte
ENGI11| ENERGISA     | UNT | N2 |  15000 |  4600 | Utilidade Públ / Energ Elétrica
ENEV3 | ENEVA        | ON  | NM |  25000 |  1330 | Utilidade Públ / Energ Elétrica
EGIE3 | ENGIE BRASIL | ON  | NM |  11000 |  4400 | Utilidade Públ / Energ Elétrica
EQTL3 | EQUATORIAL   | ON  | NM |  43000 |  3400 | Utilidade Públ / Energ Elétrica
FLRY3 | FLEURY       | ON  | NM |   5700 |  1240 | Saúde/SM Hosp An.Diag
GGBR4 | GERDAU       | PN  | N1 |  21000 |  1600 | Mats Básicos / Sid Metalurgia
GOAU4 | GERDAU MET   | PN  | N1 |   5600 |   890 | Mats Básicos / Sid Metalurgia
HAPV3 | HAPVIDA      | ON  | NM |  11000 |  3400 | Saúde/SM Hosp An.Diag
HYPE3 | HYPERA       | ON  | NM |   9500 |  2600 | Saúde/Comércio Distr.
IGTI11| IGUATEMI S.A | UNT | N1 |   4300 |  2200 | Financ e Outros / Explor Imóveis
IRBR3 | IRBBRASIL RE | ON  | NM |   3600 |  4400 | Financ e Outros / Previd  Seguros
ISAE4 | ISA ENERGIA  | PN  | N1 |   8800 |  2200 | Utilidade Públ / Energ Elétrica
ITSA4 | ITAUSA       | PN  | N1 |  62000 |  1060 | Financ e Outros / Holdings Divers
ITUB4 | ITAUUNIBANCO | PN  | N1 | 170000 |  3600 | Financ e Outros / Interms Financs
KLBN11| KLABIN S/A   | UNT | N2 |  14000 |  1860 | Mats Básicos / Madeira e Papel
RENT3 | LOCALIZA     | ON  | NM |  36000 |  3700 | Diversos
LREN3 | LOJAS RENNER | ON  | NM |  19000 |  1840 | Consumo Cíclico / Comércio
MGLU3 | MAGAZ LUIZA  | ON  | NM |   3100 |   880 | Consumo Cíclico / Comércio
POMO4 | MARCOPOLO    | PN  | N2 |   5200 |   780 | Bens Indls / Mat Transporte
MRFG3 | MARFRIG      | ON  | NM |   5000 |  2100 | Cons N  Básico / Alimentos Processados
BEEF3 | MINERVA      | ON  | NM |   2100 |   490 | Cons N  Básico / Alimentos Processados
MOTV3 | MOTIVA SA    | ON  | NM |  13000 |  1310 | Bens Indls/Transporte
MRVE3 | MRV          | ON  | NM |   2200 |   600 | Consumo Cíclico/Constr Civil
MULT3 | MULTIPLAN    | ON  | N2 |   8200 |  2600 | Financ e Outros / Explor Imóveis
NATU3 | NATURA       | ON  | NM |   8500 |  1000 | Cons N Cíclico / Pr Pessoal Limp
PCAR3 | P.ACUCAR-CBD | ON  | NM |   1400 |   310 | Cons N Cíclico / Comércio Distr.
PETR3 | PETROBRAS    | ON  | N2 |  95000 |  3400 | Petróleo, Gás e Biocombustíveis
PETR4 | PETROBRAS    | PN  | N2 | 140000 |  3100 | Petróleo, Gás e Biocombustíveis
RECV3 | PETRORECSA   | ON  | NM |   3800 |  1400 | Petróleo, Gás e Biocombustíveis
PRIO3 | PETRORIO     | ON  | NM |  32000 |  4100 | Petróleo, Gás e Biocombustíveis
PETZ3 | PETZ         | ON  | NM |   1100 |   370 | Consumo Cíclico / Comércio
PSSA3 | PORTO SEGURO | ON  | NM |   9900 |  5400 | Financ e Outros / Previd  Seguros
RADL3 | RAIADROGASIL | ON  | NM |  19000 |  1460 | Saúde/Comércio Distr.
RAIZ4 | RAIZEN       | PN  | N2 |   2000 |   160 | Petróleo, Gás e Biocombustíveis
RDOR3 | REDE D OR    | ON  | NM |  38000 |  3300 | Saúde/SM Hosp An.Diag
RAIL3 | RUMO S.A.    | ON  | NM |  22000 |  1770 | Bens Indls/Transporte
SBSP3 | SABESP       | ON  | NM |  77000 | 11200 | Utilidade Públ / Água Saneamento
SANB11| SANTANDER BR | UNT | -  |  10000 |  2800 | Financ e Outros / Interms Financs
STBP3 | SANTOS BRP   | ON  | NM |   5400 |  1310 | Bens Indls/Transporte
SMTO3 | SAO MARTINHO | ON  | NM |   2200 |  1700 | Cons N  Básico / Alimentos Processados
CSNA3 | SID NACIONAL | ON  | -  |   5700 |   780 | Mats Básicos / Sid Metalurgia
SLCE3 | SLC AGRICOLA | ON  | NM |   3300 |  1720 | Cons N Ciclico/Agropecuária
SMFT3 | SMART FIT    | ON  | NM |   7300 |  2200 | Consumo Cíclico/Viagens e Lazer
SUZB3 | SUZANO S.A.  | ON  | NM |  31000 |  5000 | Mats Básicos / Madeira e Papel
TAEE11| TAESA        | UNT | N2 |   7300 |  3300 | Utilidade Públ / Energ Elétrica
VIVT3 | TELEF BRASIL | ON  | -  |  24000 |  3100 | Telecomunicação
TIMS3 | TIM          | ON  | NM |  17000 |  2100 | Telecomunicação
TOTS3 | TOTVS        | ON  | NM |  22000 |  4100 | Tec.Informação/Programas Servs
UGPA3 | ULTRAPAR     | ON  | NM |  19000 |  1720 | Petróleo, Gás e Biocombustíveis
USIM5 | USIMINAS     | PNA | N1 |   2200 |   430 | Mats Básicos / Sid Metalurgia
VALE3 | VALE         | ON  | NM | 220000 |  5300 | Mats Básicos / Mineração
VAMO3 | VAMOS        | ON  | NM |   1800 |   380 | Diversos
VBBR3 | VIBRA        | ON  | NM |  24000 |  2200 | Petróleo, Gás e Biocombustíveis
VIVA3 | VIVARA S.A.  | ON  | NM |   3200 |  2600 | Consumo Cíclico / Tecid Vest Calç
WEGE3 | WEG          | ON  | NM |  61000 |  4100 | Bens Indls / Máqs e Equips
YDUQ3 | YDUQS PART   | ON  | NM |   4100 |  1560 | Diversos
"""


def _share(line: str) -> ListedShare:
    ticker, name, share_class, listing_segment, value, price, sector = line.split("|")
    segment = listing_segment.strip()
    return ListedShare(
        ticker.strip(),
        name.strip(),
        share_class.strip(),
        None if segment == "-" else segment,
        int(value),
        int(price),
        sector.strip(),
    )


LISTED_SHARES = tuple(_share(line) for line in _TABLE.strip().splitlines())
SECTORS = tuple(sorted({share.sector for share in LISTED_SHARES}))
