"""Italian tables: units, money, signs, abbreviations."""

from speech.readings.european import nouns, readings

MONTHS = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
UNITS = nouns("""
    % = m per cento + percento
    ‰ = m per mille
    km = m chilometro|chilometri
    km/h = m chilometro all'ora|chilometri all'ora + chilometro orario|chilometri orari + chilometro per ora|chilometri per ora
    m mt = m metro|metri
    cm = m centimetro|centimetri
    mm = m millimetro|millimetri
    µm = m micrometro|micrometri
    nm = m nanometro|nanometri
    m/s = m metro al secondo|metri al secondo
    m² mq m2 = m metro quadrato|metri quadrati + metro quadro|metri quadri
    km² kmq = m chilometro quadrato|chilometri quadrati
    cm² = m centimetro quadrato|centimetri quadrati
    m³ mc = m metro cubo|metri cubi
    cm³ cc = m centimetro cubo|centimetri cubi
    ha = m ettaro|ettari
    kg Kg = m chilogrammo|chilogrammi + chilo|chili
    g gr = m grammo|grammi
    hg = m etto|etti
    mg = m milligrammo|milligrammi
    µg = m microgrammo|microgrammi
    t = f tonnellata|tonnellate
    q = m quintale|quintali
    l L lt = m litro|litri
    ml = m millilitro|millilitri
    cl = m centilitro|centilitri
    dl = m decilitro|decilitri
    °C ℃ ºC = m grado Celsius|gradi Celsius + grado centigrado|gradi centigradi + grado|gradi
    °F = m grado Fahrenheit|gradi Fahrenheit
    h = f ora|ore
    min min. = m minuto|minuti
    s sec sec. = m secondo|secondi
    ms = m millisecondo|millisecondi
    GB = m gigabyte + giga
    MB = m megabyte + mega
    KB = m kilobyte
    TB = m terabyte + tera
    Mbps Mb/s = m megabit al secondo
    Hz = m hertz
    kHz = m kilohertz
    MHz = m megahertz
    GHz = m gigahertz
    V = m volt
    W = m watt
    kW = m chilowatt + kilowatt
    MW = m megawatt
    kWh = m chilowattora|chilowattora + kilowattora
    mAh = m milliampere ora + milliamperora
    kcal = f chilocaloria|chilocalorie + kilocaloria|kilocalorie
    hPa = m ettopascal
    dB = m decibel
    CV = m cavallo|cavalli
""")
CURRENCIES = nouns("""
    € EUR euro = m euro // centesimi
    $ US$ USD = m dollaro|dollari // centesimi
    £ GBP = f sterlina|sterline // penny
    ¥ = m yen
    CHF = m franco svizzero|franchi svizzeri + franco|franchi
    ₽ = m rublo|rubli
    centesimi = m centesimo|centesimi
    penny = m penny|pence
""")
MAGNITUDES = nouns("""
    mila = m mila
    M mln = m milione|milioni
    mrd = m miliardo|miliardi
    mld = m miliardo|miliardi
    milione milioni = m milione|milioni
    miliardo miliardi = m miliardo|miliardi
    k K = m mila
""")
SIGNS = readings("""
    & = e | and
    + = più
    = = uguale | uguale a | è uguale a | fa
    × = per
    ÷ = diviso
    # = numero | cancelletto | hashtag
    @ = chiocciola | at
    % = per cento | percento
    ‰ = per mille
    § = paragrafo
    ° = gradi | grado
    ℃ = gradi Celsius
    ~ = circa
    ≈ = circa
    < = minore di | meno di
    > = maggiore di | più di
    ± = più o meno | più meno
    − = meno
    € = euro
    $ = dollari | dollaro
    £ = sterline
    ² = al quadrato | quadrato
    ³ = al cubo | cubo
    № = numero
""")
SILENT = {
    "*": ("", "asterisco", "per"), "/": ("", "barra", "al", "o", "slash"), "_": ("", "trattino basso"), "|": ("",),
    "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = punto
    / = barra | slash
    @ = chiocciola | at
    - = trattino | meno
    _ = trattino basso | underscore
    : = due punti
    & = e
    # = cancelletto
    + = più
""")
ABBREVIATIONS = readings("""
    dott. = dottor | dottore
    dott.ssa = dottoressa
    dr. = dottor | dottore
    sig. = signor | signore
    sig.ra = signora
    sig.na = signorina
    sigg. = signori
    prof. = professor | professore
    prof.ssa = professoressa
    ing. = ingegner | ingegnere
    avv. = avvocato
    arch. = architetto
    geom. = geometra
    on. = onorevole
    egr. = egregio
    gent. = gentile
    ecc. = eccetera
    etc. = eccetera
    ad es. = ad esempio
    p. es. = per esempio
    es. = esempio
    cioè. = cioè
    pag. = pagina
    pagg. = pagine
    cap. = capitolo
    vol. = volume
    art. = articolo
    fig. = figura
    tel. = telefono
    cell. = cellulare
    n. = numero
    nr. = numero
    num. = numero
    v. = via | vedi
    p.zza = piazza
    c.so = corso
    v.le = viale
    l.go = largo
    s.p.a. = s p a | spa
    s.r.l. = s r l | srl
    a. C. = avanti Cristo
    d. C. = dopo Cristo
    max. = massimo
    min. = minimo | minuti
    ca. = circa
    sec. = secolo | secondi
    gg. = giorni
    int. = interno
    mons. = monsignor
    s. = san | secolo
    ss. = santissimo
    rag. = ragionier | ragioniere
""")
VARIANTS = readings("""
    dott = dottor | dottore
    sig = signor | signore
    prof = professor | professore
    ecc = eccetera
    eccetera = ecc | et cetera
    ok = okay | o k
    okay = ok
    eh = ah |
    percento = per cento
    nient'altro = nientaltro
    www = vu vu vu | w w w
    ed = e
    ad = a
""")
HOMOPHONES = """
    a ah ha; o oh ho; ai hai ahi; anno hanno; da dà; di dì; la là; li lì; ne né nè; se sé sè; si sì; su sù; te tè; che ché chè; fa fà; sta stà
    qua quà; qui quì; so sò; do dò; tre trè; me mè; sto stò; va và; ve vè; mai mài; lettore lettore; cieco ceco; cielo celo; scienza scenza; obiettivo obbiettivo
    sopratutto soprattutto; ciliegie ciliege; province provincie; accelerare accellerare; ok okay; email e-mail; po pò
"""
RULES = [("^h", ""), ("é$", "è"), ("ó$", "ò"), ("í$", "ì"), ("ú$", "ù"), ("á$", "à"), ("[àá](?=.)", "a"), ("[èé](?=.)", "e"), ("[ìíî](?=.)", "i"), ("[òó](?=.)", "o"), ("[ùú](?=.)", "u"), ("j", "i"), ("cq", "cc"), ("k", "c")]  # fmt: skip
