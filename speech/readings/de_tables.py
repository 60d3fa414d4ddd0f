"""German tables: units, money, signs, abbreviations."""

from speech.readings.european import nouns, readings

MONTHS = [
    ("Januar", "Jänner", "Jan"), ("Februar", "Feber", "Feb"), ("März", "Mrz"), ("April", "Apr"), ("Mai",),
    ("Juni", "Juno", "Jun"), ("Juli", "Jul"), ("August", "Aug"), ("September", "Sept", "Sep"), ("Oktober", "Okt"),
    ("November", "Nov"), ("Dezember", "Dez"),
]  # fmt: skip

UNITS = nouns("""
    % = n Prozent
    ‰ = n Promille
    km = m Kilometer
    km/h kmh = m Kilometer pro Stunde + Stundenkilometer + Kilometer in der Stunde + Kilometer die Stunde + k m h
    m = m Meter
    cm = m Zentimeter
    mm = m Millimeter
    µm μm = m Mikrometer
    nm = m Nanometer
    m/s = m Meter pro Sekunde
    m² qm m2 = m Quadratmeter
    km² qkm km2 = m Quadratkilometer
    cm² cm2 = m Quadratzentimeter
    m³ cbm m3 = m Kubikmeter
    cm³ cm3 ccm = m Kubikzentimeter
    ha = m Hektar
    kg = n Kilogramm + Kilo
    g = n Gramm
    mg = n Milligramm
    µg μg = n Mikrogramm
    t = f Tonne|Tonnen
    l L Ltr. = m Liter
    ml = m Milliliter
    cl = m Zentiliter
    dl = m Deziliter
    EL = m Esslöffel
    TL = m Teelöffel
    ° = m Grad
    °C ℃ ºC = m Grad Celsius + Grad
    °F = m Grad Fahrenheit
    K = n Kelvin
    h Std. Std = f Stunde|Stunden
    min Min. Min = f Minute|Minuten
    s sek Sek. Sek = f Sekunde|Sekunden
    ms = f Millisekunde|Millisekunden
    GB = n Gigabyte + G B
    MB = n Megabyte + M B
    KB kB = n Kilobyte + K B
    TB = n Terabyte + T B
    Mbit/s = n Megabit pro Sekunde
    Gbit/s = n Gigabit pro Sekunde
    MBit/s Mbps = n Megabit pro Sekunde
    Hz = n Hertz
    kHz = n Kilohertz
    MHz = n Megahertz
    GHz = n Gigahertz
    V = n Volt
    W = n Watt
    kW = n Kilowatt
    MW = n Megawatt
    GW = n Gigawatt
    kWh = f Kilowattstunde|Kilowattstunden
    mAh = f Milliamperestunde|Milliamperestunden
    A = n Ampere
    kJ = n Kilojoule
    kcal = f Kilokalorie|Kilokalorien
    hPa = n Hektopascal
    bar = n Bar
    dB = n Dezibel
    PS = f PS + Pferdestärke|Pferdestärken
    Stk. Stck. St. = n Stück
    Mal mal = n mal
    Jh. = n Jahrhundert
""")
CURRENCIES = nouns("""
    € EUR Euro = m Euro // Cent
    $ US$ USD = m Dollar + US Dollar // Cent
    £ GBP = n Pfund // Penny
    CHF SFr. Fr. = m Franken + Schweizer Franken // Rappen
    ¥ JPY = m Yen
    ₽ = m Rubel
    ¢ ct Ct. Cent = m Cent
    Penny = m Penny|Pence
    Rappen = m Rappen
""")
MAGNITUDES = nouns("""
    Tsd. = n tausend
    Mio. Mio = f Million|Millionen
    Mrd. Mrd = f Milliarde|Milliarden
    Million Millionen = f Million|Millionen
    Milliarde Milliarden = f Milliarde|Milliarden
    Billion Billionen = f Billion|Billionen
    k = n tausend
""")
SIGNS = readings("""
    & = und
    + = plus | und
    = = gleich | ist gleich | ist
    × = mal
    ÷ = geteilt durch
    # = Nummer | Hashtag | Raute
    @ = at | ät
    % = Prozent
    ‰ = Promille
    § = Paragraf | Paragraph
    ° = Grad
    ℃ = Grad Celsius
    ~ = etwa | ungefähr | circa | rund
    ≈ = ungefähr | etwa | ungefähr gleich
    < = kleiner als | weniger als | unter
    > = größer als | mehr als | über
    ± = plus minus | plus oder minus
    − = minus
    € = Euro
    $ = Dollar
    £ = Pfund
    ² = Quadrat | hoch zwei
    ³ = hoch drei
    № = Nummer
""")
ADDRESS_SIGNS = readings("""
    . = Punkt
    / = Schrägstrich | Slash
    @ = at | ät
    - = Bindestrich | minus | Strich
    _ = Unterstrich
    : = Doppelpunkt
    ? = Fragezeichen
    & = und
    # = Raute
    + = plus
""")
ABBREVIATIONS = readings("""
    z. B. = zum Beispiel
    d. h. = das heißt
    u. a. = unter anderem | und andere
    u. Ä. = und Ähnliches
    o. Ä. = oder Ähnliches
    s. o. = siehe oben
    s. u. = siehe unten
    i. d. R. = in der Regel
    v. a. = vor allem
    z. T. = zum Teil
    z. Z. = zur Zeit
    zz. = zurzeit
    n. Chr. = nach Christus
    v. Chr. = vor Christus
    u. U. = unter Umständen
    m. E. = meines Erachtens
    i. A. = im Auftrag
    e. V. = e V | eingetragener Verein
    usw. = und so weiter
    usf. = und so fort
    bzw. = beziehungsweise
    bspw. = beispielsweise
    ca. = circa | zirka
    etc. = et cetera
    evtl. = eventuell | eventuelle
    ggf. = gegebenenfalls
    inkl. = inklusive
    exkl. = exklusive
    max. = maximal | maximale
    min. = minimal | Minuten | Minute
    mind. = mindestens
    sog. = sogenannte | sogenannten | sogenannter | sogenanntes
    vgl. = vergleiche
    Nr. = Nummer
    Nrn. = Nummern
    Str. = Straße
    Abb. = Abbildung
    Abs. = Absatz
    Art. = Artikel
    Bd. = Band
    Kap. = Kapitel
    Tab. = Tabelle
    Aufl. = Auflage
    Hrsg. = Herausgeber
    Tel. = Telefon
    Fr. = Frau
    Hr. = Herr
    Hrn. = Herrn
    Dr. = Doktor
    Prof. = Professor | Professorin
    Dipl.-Ing. = Diplomingenieur | Diplom Ingenieur
    Ing. = Ingenieur
    St. = Sankt
    geb. = geboren | geborene
    gest. = gestorben
    verh. = verheiratet
    Mio. = Millionen
    Mrd. = Milliarden
    Jh. = Jahrhundert | Jahrhunderts
    Mo. = Montag
    Di. = Dienstag
    Mi. = Mittwoch
    Do. = Donnerstag
    Sa. = Samstag
    So. = Sonntag
    bes. = besonders
    allg. = allgemein
    Std. = Stunde | Stunden
    Stk. = Stück
    gem. = gemäß
    zzgl. = zuzüglich
    abzgl. = abzüglich
    vs. = versus | gegen
""")
VARIANTS = readings("""
    dr = dr | Doktor
    ok = ok | okay | o k
    okay = okay | o k
    aufs = aufs | auf das
    ins = ins | in das
    ans = ans | an das
    fürs = fürs | für das
    ums = ums | um das
    gibt's = gibt's | gibt es
    geht's = geht's | geht es
    ist's = ist's | ist es
    's = es
    hab's = hab's | habe es
    wie's = wie's | wie es
    zurzeit = zur Zeit
    sodass = so dass
    aufgrund = auf Grund
    mithilfe = mit Hilfe
    anstelle = an Stelle
    zuhause = zu Hause
    stattdessen = statt dessen
    äh = äh | ähm |
    ähm = ähm | äh |
    hm = hm | hmm |
    hmm = hmm | hm |
    www = w w w
""")
FUNCTION_WORDS = frozenset(
    """und oder ist war sind zu gegen bis mit in auf von vom im am an hat haben wird wurde um für aus bei nach vor als wie
    ab über unter pro mal aber denn dass wenn der die das den dem des plus minus gleich durch geteilt""".split()
)
GENDERS = {
    **dict.fromkeys(
        """Liter Meter Kilometer Zentimeter Euro Dollar Cent Tag Monat Hund Apfel Mann Teil Platz Punkt Schritt Tisch
        Stuhl Becher Löffel Esslöffel Teelöffel Kaffee Tee Termin Brief Zug Bus Test Fall Grad Stock Franken Spieler
        Schüler Gast Sieg Treffer Kuchen Baum Freund Bruder Sohn Satz Ort Artikel Absatz""".split(), "m"),
    **dict.fromkeys(
        """Woche Stunde Minute Sekunde Katze Person Frau Tasse Flasche Dose Packung Tonne Prise Scheibe Mal Seite
        Million Milliarde Nacht Stadt Straße Frage Uhrzeit Zwiebel Banane Tochter Schwester Etage Runde Karte
        Stelle Klasse Tablette Stimme""".split(), "f"),
    **dict.fromkeys(
        """Kilo Kilogramm Gramm Jahr Kind Stück Prozent Pfund Haus Auto Buch Glas Bier Wort Bild Tor Spiel Zimmer Ei Brot
        Uhr Paar Bett Ticket Paket Viertel Drittel Gigabyte Megabyte Volt Watt Tier Land Problem Beispiel""".split(), "n"),
}  # fmt: skip
GENDERS["Mal"] = "n"
HOMOPHONES = """
    das dass daß; seid seit; wider wieder; mal mahl; wal wahl; war wahr; mehr meer; leeren lehren; lehre leere; leib laib
    moor mohr; stil stiel; lied lid; mine miene; seite saite; seiten saiten; lerche lärche; wände wende; rad rat; bunt bund
    tod tot; rein rhein; ehre ähre; held hält; end ent; wirt wird; stadt statt; städte stätte; man mann; isst ist; fast fasst
    hasst hast; küste küsste; lasst last; bis biss; weg weck; ferse verse; fetter vetter; fiel viel; fließ vlies; verband ferband
    photo foto; telephon telefon; delphin delfin; graphik grafik; potential potenzial; okay ok; e-mail email; ski schi
    phantasie fantasie; mayonnaise majonäse; jogurt joghurt; jänner januar; zwo zwei; zirka circa ca
    rauh rau; känguruh känguru; tip tipp; aufwendig aufwändig; selbständig selbstständig; spaghetti spagetti; creme krem kreme
    zwanzig zwanzich; dreizehn dreizen; email emaille; waagen wagen; waage wage; bote boote; boot bot
    heut heute
"""
RULES = [("ß", "ss"), ("th", "t"), ("ph", "f"), ("(?<=[aeiouäöü])dt$", "t"), ("ei", "ai"), ("eu", "äu"), ("ey", "ai"), ("ay", "ai"),
         ("d$", "t"), ("(?<!n)g$", "k"), ("b$", "p"), ("ds$", "ts"), ("bs$", "ps"), ("tz", "z"), ("ss$", "s"), ("ae", "ä"), ("oe", "ö"), ("ue(?!l|r)", "ü")]  # fmt: skip
