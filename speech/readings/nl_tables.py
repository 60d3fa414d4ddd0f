"""Dutch tables: units, money, signs, abbreviations."""

from speech.readings.european import nouns, readings

MONTHS = "januari februari maart april mei juni juli augustus september oktober november december"
UNITS = nouns("""
    % = n procent
    ‰ = n promille
    km = m kilometer|kilometer + kilometers
    km/u km/h = m kilometer per uur + kilometers per uur
    m = m meter + meters
    cm = m centimeter + centimeters
    mm = m millimeter + millimeters
    µm = m micrometer
    nm = m nanometer
    m/s = m meter per seconde
    m² m2 = m vierkante meter
    km² km2 = m vierkante kilometer
    cm² = m vierkante centimeter
    m³ m3 = m kubieke meter + kuub
    cm³ = m kubieke centimeter
    ha = m hectare|hectare + hectaren
    kg = n kilogram + kilo
    g gr gr. = m gram
    mg = n milligram
    µg = m microgram
    t = m ton
    l L ltr = m liter
    ml = m milliliter
    cl = m centiliter
    dl = m deciliter
    el = m eetlepel|eetlepels
    tl = m theelepel|theelepels
    ° = m graad|graden
    °C ℃ ºC = m graad Celsius|graden Celsius + graad|graden
    °F = m graad Fahrenheit|graden Fahrenheit
    u u. = n uur + uren
    min min. = m minuut|minuten
    s sec sec. = m seconde|seconden + secondes
    ms = m milliseconde|milliseconden
    GB = m gigabyte + g b
    MB = m megabyte + m b
    KB kB = m kilobyte
    TB = m terabyte
    Mbit/s Mbps Mb/s = m megabit per seconde
    Hz = m hertz
    kHz = m kilohertz
    MHz = m megahertz
    GHz = m gigahertz
    V = m volt
    W = m watt
    kW = m kilowatt
    MW = m megawatt
    kWh = m kilowattuur|kilowattuur + kilowatt uur
    mAh = m milliampère uur + milliampèreuur
    kcal = m kilocalorie|kilocalorieën
    hPa = m hectopascal
    dB = m decibel
    pk = m paardenkracht + p k
    st. = n stuk|stuks
""")
CURRENCIES = nouns("""
    € EUR euro = m euro|euro + euros // cent
    $ US$ USD = m dollar|dollar + dollars // cent
    £ GBP = n pond + ponden // pence
    ¥ = m yen
    CHF = m frank + Zwitserse frank
    ₽ = m roebel
    cent ct = m cent + centen
    pence = m penny|pence
""")
MAGNITUDES = nouns("""
    duizend = n duizend
    mln mln. = n miljoen
    mld mld. = n miljard
    miljoen = n miljoen
    miljard = n miljard
    biljoen = n biljoen
    k K = n duizend
""")
SIGNS = readings("""
    & = en | and
    + = plus | en
    = = is | is gelijk aan | gelijk aan
    × = keer | maal | bij
    ÷ = gedeeld door
    # = nummer | hekje | hashtag
    @ = apenstaartje | at | ad
    % = procent
    ‰ = promille
    § = paragraaf
    ° = graden | graad
    ℃ = graden Celsius
    ~ = ongeveer | circa | zo'n
    ≈ = ongeveer | is ongeveer
    < = kleiner dan | minder dan
    > = groter dan | meer dan
    ± = plus minus | plusminus | ongeveer | circa
    − = min
    € = euro
    $ = dollar
    £ = pond
    ² = kwadraat | in het kwadraat
    ³ = tot de derde
    № = nummer
""")
SILENT = {
    "*": ("", "sterretje", "keer", "maal"), "/": ("", "slash", "schuine streep", "per", "of"), "_": ("", "underscore"), "|": ("",),
    "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = punt
    / = slash | schuine streep
    @ = apenstaartje | at | ad
    - = streepje | koppelteken | min
    _ = underscore | laag streepje
    : = dubbele punt
    & = en
    # = hekje
    + = plus
""")
ABBREVIATIONS = readings("""
    bijv. = bijvoorbeeld
    bv. = bijvoorbeeld
    b. v. = bijvoorbeeld | b v
    enz. = enzovoort | enzovoorts
    e. d. = en dergelijke
    d. w. z. = dat wil zeggen
    dwz. = dat wil zeggen
    o. a. = onder andere | onder anderen
    m. a. w. = met andere woorden
    t. o. v. = ten opzichte van
    t. a. v. = ter attentie van
    i. p. v. = in plaats van
    m. b. t. = met betrekking tot
    i. v. m. = in verband met
    t/m = tot en met
    a. u. b. = alstublieft
    a. s. = aanstaande
    j. l. = jongstleden
    jl. = jongstleden
    n. a. v. = naar aanleiding van
    n. v. t. = niet van toepassing
    z. s. m. = zo snel mogelijk
    o. l. v. = onder leiding van
    p. p. = per persoon
    nl. = namelijk
    m. n. = met name
    evt. = eventueel
    incl. = inclusief
    excl. = exclusief
    max. = maximaal | maximum
    min. = minimaal | minimum | minuten | minuut
    ca. = circa
    resp. = respectievelijk
    vgl. = vergelijk
    zgn. = zogenaamde | zogenaamd
    blz. = bladzijde | bladzijden
    pag. = pagina
    hfst. = hoofdstuk
    nr. = nummer
    nrs. = nummers
    tel. = telefoon
    dhr. = de heer
    mevr. = mevrouw
    mw. = mevrouw
    mej. = mejuffrouw
    dr. = doctor | dokter
    drs. = doctorandus
    ds. = dominee
    prof. = professor
    ir. = ingenieur
    ing. = ingenieur
    mr. = meester
    jhr. = jonkheer
    st. = sint
    str. = straat
    afb. = afbeelding
    fig. = figuur
    art. = artikel
    v. Chr. = voor Christus
    n. Chr. = na Christus
    e. o. = en omgeving
    etc. = et cetera | etcetera
    vs. = versus
    ong. = ongeveer
    afd. = afdeling
    geb. = geboren
    ma. = maandag
    jan. = januari
    feb. = februari
    febr. = februari
    aug. = augustus
    sept. = september
    okt. = oktober
    nov. = november
    dec. = december
""")
VARIANTS = readings("""
    't = het
    het = 't
    'n = een
    'r = haar | er
    m'n = mijn
    z'n = zijn
    d'r = haar | er
    'ie = hij | ie
    'k = ik
    zo'n = zo een
    één = een
    een = één | 'n
    ok = oké | okay | o k
    oké = ok | okay | o k
    okay = oké | ok
    bijv = bijvoorbeeld
    enz = enzovoort
    dhr = de heer
    mevr = mevrouw
    dr = dokter | doctor
    tv = televisie | t v
    eh = uh | euh |
    uh = eh | euh |
    hm = hmm |
    www = w w w
    t/m = tot en met
""")
FUNCTION_WORDS = frozenset(
    "en of is was zijn waren te tegen tot met in op van bij aan heeft had hebben wordt werd om voor na als dan de het die dat plus min gelijk keer maal maar want uur per over onder".split()
)
HOMOPHONES = """
    mij mei; zei zij; ijs eis; bij bei; rij rei; wij wei; leiden lijden; pijl peil; steil stijl; jou jouw; nou nauw; hout houd houdt; hart hard; word wordt; vind vindt
    licht ligt; zegt zecht; lach lag; echt egt; kado cadeau; oké okay ok; email e-mail; eens 's; rood root; bot bod; boud bout; wed wet; red redt ret
    pannekoek pannenkoek; produkt product; kontakt contact; aktie actie; wijze weize; hoofd hooft; stad stat; hij hei; heid hijd; kopje copje; getob getopt; gezag gesach; logo loogo
    accommodatie acommodatie; bureau buro; koper coper; tweeënhalf tweeenhalf; twee-en-half tweeënhalf; 'm hem; zeeën zeeen; ideeën ideeen
"""
RULES = [("ij", "ei"), ("ouw", "ou"), ("auw", "ou"), ("au(?!x)", "ou"), ("dt$", "t"), ("d$", "t"), ("b$", "p"), ("cht", "gt"), ("ch$", "g"), ("ë", "e"), ("ï", "i"), ("ö", "o"), ("ü", "u"), ("[éè]", "e"), ("á", "a"), ("ó", "o"), ("ct", "kt"), ("^c(?=[aou])", "k"), ("isch(e?)$", r"is\1")]  # fmt: skip
