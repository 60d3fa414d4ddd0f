"""Polish tables: units, money, signs, abbreviations, declension of numerals."""

from speech.readings.european import nouns, readings

MONTHS = [
    ("stycznia", "styczeń"), ("lutego", "luty"), ("marca", "marzec"), ("kwietnia", "kwiecień"), ("maja", "maj"), ("czerwca", "czerwiec"),
    ("lipca", "lipiec"), ("sierpnia", "sierpień"), ("września", "wrzesień"), ("października", "październik"),
    ("listopada", "listopad"), ("grudnia", "grudzień"),
]  # fmt: skip
UNITS = nouns("""
    % = m procent|procent|procent + procenta|procenta|procenta
    ‰ = m promil|promile|promili
    km = m kilometr|kilometry|kilometrów + kilometra
    km/h km/godz = m kilometr na godzinę|kilometry na godzinę|kilometrów na godzinę + kilometra na godzinę
    m = m metr|metry|metrów + metra
    cm = m centymetr|centymetry|centymetrów + centymetra
    mm = m milimetr|milimetry|milimetrów + milimetra
    nm = m nanometr|nanometry|nanometrów
    m/s = m metr na sekundę|metry na sekundę|metrów na sekundę
    m² m2 mkw. = m metr kwadratowy|metry kwadratowe|metrów kwadratowych + metra kwadratowego
    km² km2 = m kilometr kwadratowy|kilometry kwadratowe|kilometrów kwadratowych + kilometra kwadratowego
    cm² = m centymetr kwadratowy|centymetry kwadratowe|centymetrów kwadratowych
    m³ m3 = m metr sześcienny|metry sześcienne|metrów sześciennych + metra sześciennego
    cm³ = m centymetr sześcienny|centymetry sześcienne|centymetrów sześciennych
    ha = m hektar|hektary|hektarów + hektara
    kg = m kilogram|kilogramy|kilogramów + kilograma + kilo
    dag dkg = m dekagram|dekagramy|dekagramów + deka
    g = m gram|gramy|gramów + grama
    mg = m miligram|miligramy|miligramów
    t = f tona|tony|ton
    l L = m litr|litry|litrów + litra
    ml = m mililitr|mililitry|mililitrów + mililitra
    ° = m stopień|stopnie|stopni + stopnia
    °C ℃ ºC = m stopień Celsjusza|stopnie Celsjusza|stopni Celsjusza + stopnia Celsjusza + stopień|stopnie|stopni
    °F = m stopień Fahrenheita|stopnie Fahrenheita|stopni Fahrenheita
    h godz. godz = f godzina|godziny|godzin + godzinę
    min min. = f minuta|minuty|minut + minutę
    s sek. sek = f sekunda|sekundy|sekund + sekundę
    ms = f milisekunda|milisekundy|milisekund
    GB = m gigabajt|gigabajty|gigabajtów + gigabajta
    MB = m megabajt|megabajty|megabajtów + megabajta
    KB kB = m kilobajt|kilobajty|kilobajtów
    TB = m terabajt|terabajty|terabajtów
    Mb/s Mbit/s = m megabit na sekundę|megabity na sekundę|megabitów na sekundę
    Hz = m herc|herce|herców
    kHz = m kiloherc|kiloherce|kiloherców
    MHz = m megaherc|megaherce|megaherców
    GHz = m gigaherc|gigaherce|gigaherców
    V = m wolt|wolty|woltów
    W = m wat|waty|watów
    kW = m kilowat|kilowaty|kilowatów
    MW = m megawat|megawaty|megawatów
    kWh = f kilowatogodzina|kilowatogodziny|kilowatogodzin
    mAh = f miliamperogodzina|miliamperogodziny|miliamperogodzin
    kcal = f kilokaloria|kilokalorie|kilokalorii
    hPa = m hektopaskal|hektopaskale|hektopaskali
    dB = m decybel|decybele|decybeli
    szt. szt = f sztuka|sztuki|sztuk
    os. = f osoba|osoby|osób
    KM = m koń mechaniczny|konie mechaniczne|koni mechanicznych
    str. = f strona|strony|stron
""")
CURRENCIES = nouns("""
    zł PLN zł. = m złoty|złote|złotych // gr
    € EUR euro = n euro // centów
    $ USD US$ = m dolar|dolary|dolarów // centów
    £ GBP = m funt|funty|funtów // pensów
    ¥ = m jen|jeny|jenów
    CHF = m frank|franki|franków + frank szwajcarski|franki szwajcarskie|franków szwajcarskich
    gr = m grosz|grosze|groszy
    centów = m cent|centy|centów + eurocent|eurocenty|eurocentów
    pensów = m pens|pensy|pensów
""")
MAGNITUDES = nouns("""
    tys. tys = m tysiąc|tysiące|tysięcy
    mln mln. = m milion|miliony|milionów + miliona
    mld mld. = m miliard|miliardy|miliardów + miliarda
    bln = m bilion|biliony|bilionów
    tysiąc tysiące tysięcy = m tysiąc|tysiące|tysięcy
    milion miliony milionów miliona = m milion|miliony|milionów + miliona
    miliard miliardy miliardów miliarda = m miliard|miliardy|miliardów + miliarda
""")
SIGNS = readings("""
    & = i | and | oraz
    + = plus | i
    = = równa się | równe | to | jest równe
    × = razy | na
    ÷ = dzielone przez | podzielić przez
    # = numer | hasztag | hashtag | krzyżyk
    @ = małpa | et | at
    % = procent | procenta
    ‰ = promili | promil
    § = paragraf
    ° = stopni | stopień | stopnie
    ~ = około | mniej więcej
    ≈ = około | w przybliżeniu
    < = mniejsze niż | mniej niż | poniżej
    > = większe niż | więcej niż | powyżej
    ± = plus minus
    − = minus
    € = euro
    $ = dolarów | dolary | dolar
    £ = funtów
    ² = do kwadratu | kwadrat
    ³ = do sześcianu
    № = numer
""")
SILENT = {
    "*": ("", "gwiazdka", "razy"), "/": ("", "ukośnik", "przez", "lub", "na", "łamane przez"), "_": ("", "podkreślnik"), "|": ("",),
    "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = kropka
    / = ukośnik | slash | łamane przez
    @ = małpa | at | et
    - = myślnik | minus | kreska
    _ = podkreślnik | podłoga
    : = dwukropek
    & = i
    # = krzyżyk
    + = plus
""")
ABBREVIATIONS = readings("""
    itd. = i tak dalej
    itp. = i tym podobne
    np. = na przykład
    tzn. = to znaczy
    tj. = to jest
    tzw. = tak zwany | tak zwana | tak zwane | tak zwanego | tak zwanej | tak zwanych | tak zwanym
    m. in. = między innymi
    m.in. = między innymi
    ok. = około
    ul. = ulica | ulicy | ulicę | ulicą
    al. = aleja | alei | aleje
    pl. = plac | placu
    os. = osiedle | osiedlu | osiedla | osób | osoby
    nr. = numer | numerem | numeru
    str. = strona | stronie | strony | stronę
    s. = strona | stronie | strony | stronę
    pkt. = punkt | punkty | punktów
    pt. = pod tytułem | piątek
    wg. = według
    prof. = profesor | profesora
    mgr. = magister
    inż. = inżynier
    hab. = habilitowany
    dr. = doktor
    św. = święty | święta | świętego | świętej | świętym
    ks. = ksiądz | księdza
    gen. = generał | generała
    płk. = pułkownik
    im. = imienia
    r. = rok | roku
    w. = wiek | wieku
    godz. = godzina | godzinie | godziny | godzin | godzinę
    tel. = telefon
    art. = artykuł | artykułu
    ust. = ustęp | ustępu
    rozdz. = rozdział | rozdziale
    tys. = tysięcy | tysiące | tysiąc
    p. n. e. = przed naszą erą
    n. e. = naszej ery
    pn. = poniedziałek | pod nazwą
    wt. = wtorek
    śr. = środa | średnio
    czw. = czwartek
    sob. = sobota
    niedz. = niedziela
    zob. = zobacz
    por. = porównaj | porucznik
    ds. = do spraw
    woj. = województwo | województwie
    pow. = powiat | powierzchnia
    jw. = jak wyżej
    ww. = wyżej wymieniony | wyżej wymienione
    cdn. = ciąg dalszy nastąpi
    ur. = urodzony | urodzona
    zm. = zmarł | zmarły | zmarła
    tab. = tabela
    rys. = rysunek
    wyd. = wydanie
    red. = redakcja | redaktor
    maks. = maksymalnie | maksimum
    min. = minimum | minut | minuty | minister | minimalnie
    kl. = klasa | klasie
    lek. = lekarz
    a. m. = a m
    sp. z o. o. = spółka z ograniczoną odpowiedzialnością
    dol. = dolarów
    vs. = versus | kontra
""")
EXACT = readings("""
    p. = pan | pani | piętro
    d. = dawny | dawniej
    z o.o. = z ograniczoną odpowiedzialnością | z o o
    S.A. = spółka akcyjna | s a
""")
VARIANTS = readings("""
    dr = doktor | doktora | doktorze
    mgr = magister
    nr = numer | numerem | numeru | numerze
    wg = według
    pkt = punkt | punkty | punktów | punkcie
    ds = do spraw
    płk = pułkownik
    ppłk = podpułkownik
    mjr = major
    kpt = kapitan
    bp = biskup
    abp = arcybiskup
    ok = okej | około | o k
    okej = ok
    eee = e |
    yyy = y |
    hm = hmm |
    www = w w w | wu wu wu
    temu = temu
""")
# Feminine nouns as they stand behind 2, 3, 4: their ending does not tell them from masculine ones.
FEMININE = frozenset(
    """książki kobiety minuty godziny sekundy osoby dziewczyny dziewczynki córki siostry noce rzeczy części ulice szklanki łyżki łyżeczki
    butelki paczki kawy herbaty wody zupy kanapki bułki ryby kury kaczki krowy świnie kozy owce lampy szafy półki torby
    walizki kurtki sukienki spódnice bluzki buty_ skarpetki rękawiczki gazety strony kartki karty litery cyfry liczby
    drogi rzeki góry wyspy planety gwiazdy gry drużyny bramki szkoły klasy lekcje stacje linie wersje opcje pozycje
    sytuacje informacje firmy fabryki restauracje kawiarnie sypialnie łazienki kuchnie windy próby prośby nagrody
    monety tony kolejki doby rundy kategorie studentki koleżanki sąsiadki matki babki babcie ciocie panie piłki torebki
    tabletki kropelki krople porcje marchewki cebule papryki gruszki śliwki cytryny truskawki mandarynki ofiary kolory_ wizyty
    rozmowy nowości możliwości odpowiedzi powieści wsie myszy twarze podróże róże kości nici dłonie""".split()
)
MASCULINE = frozenset(
    """psy koty domy stoły lata dni pokoje zeszyty długopisy bilety metry litry kilometry złote punkty gole mecze razy
    tygodnie miesiące konie ptaki samochody rowery pociągi autobusy telefony komputery filmy listy kwiaty owoce
    ziemniaki pomidory ogórki banany buty kubki talerze noże widelce klucze sklepy hotele budynki bloki""".split()
)
FUNCTION_WORDS = frozenset("i oraz lub albo w we na z ze do od o u po za dla przy bez pod nad przed między nie to jest był była było są plus minus razy przez równa się jak gdy czy że ale a".split())
CASES = {
    **dict.fromkeys("od do z ze bez dla u po_ spośród powyżej poniżej oprócz podczas ponad_ wśród koło blisko mniej_ więcej_".split(), "g"),
    "około": "gN", **dict.fromkeys("ku dzięki przeciw".split(), "d"), **dict.fromkeys("przed nad pod między".split(), "iN"),
    **dict.fromkeys("o przy w we".split(), "lN"), "po": "lN", "na": "lN", "za": "iN", "z": "giN", "ze": "giN",
}  # fmt: skip
HOMOPHONES = """
    morze może; bóg buk bug; rzeka żeka; kod kot; lód lud lut; wieś wieź; stóg stuk; chart hart; każe karze; także tagże; ok okej okay
    przynajmniej przynamniej; wziąć wziąść; zszedł zeszedł_; jabłko japko; e-mail email; mail mejl; hasztag hashtag
"""
RULES = [("ó", "u"), ("rz", "ż"), ("ch", "h"), ("dz$", "c"), ("dź$", "ć"), ("b$", "p"), ("d$", "t"), ("g$", "k"), ("(?<!r)ż$", "sz"), ("z$", "s"), ("w$", "f"), ("ź$", "ś"), ("(?<=[ptkhfs])ż", "sz"), ("ę$", "e"), ("q", "k"), ("szz", "sz")]  # fmt: skip
# Words of a numeral -> genitive (dative and locative where they are the same), dative, instrumental.
DECLINED = {
    "dwa": ("dwóch", "dwóm", "dwoma"), "trzy": ("trzech", "trzem", "trzema"), "cztery": ("czterech", "czterem", "czterema"),
    "pięć": ("pięciu", "pięciu", "pięcioma"), "sześć": ("sześciu", "sześciu", "sześcioma"), "siedem": ("siedmiu", "siedmiu", "siedmioma"),
    "osiem": ("ośmiu", "ośmiu", "ośmioma"), "dziewięć": ("dziewięciu", "dziewięciu", "dziewięcioma"), "dziesięć": ("dziesięciu", "dziesięciu", "dziesięcioma"),
    "sto": ("stu", "stu", "stu"), "dwieście": ("dwustu", "dwustu", "dwustu"), "trzysta": ("trzystu", "trzystu", "trzystu"),
    "czterysta": ("czterystu", "czterystu", "czterystu"), "tysiąc": ("tysiąca", "tysiącowi", "tysiącem"),
    "tysiące": ("tysięcy", "tysiącom", "tysiącami"), "tysięcy": ("tysięcy", "tysiącom", "tysiącami"), "milion": ("miliona", "milionowi", "milionem"),
    "miliony": ("milionów", "milionom", "milionami"), "milionów": ("milionów", "milionom", "milionami"), "zero": ("zera", "zeru", "zerem"),
    "dwadzieścia": ("dwudziestu", "dwudziestu", "dwudziestoma"), "trzydzieści": ("trzydziestu", "trzydziestu", "trzydziestoma"),
    "czterdzieści": ("czterdziestu", "czterdziestu", "czterdziestoma"),
}  # fmt: skip
