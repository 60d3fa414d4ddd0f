"""English tables: units, money, signs, abbreviations, words that are said or spelt in more than one way."""

from speech.readings.european import nouns, readings

MONTHS = [
    ("January", "Jan"), ("February", "Feb"), ("March", "Mar"), ("April", "Apr"), ("May",), ("June", "Jun"),
    ("July", "Jul"), ("August", "Aug"), ("September", "Sept", "Sep"), ("October", "Oct"), ("November", "Nov"),
    ("December", "Dec"),
]  # fmt: skip

UNITS = nouns("""
    % = n percent + per cent
    ‰ = n per mille + permille
    km = n kilometer|kilometers + k|k
    km/h kmh kph = n kilometer per hour|kilometers per hour + kilometer an hour|kilometers an hour + k p h|k p h
    m = n meter|meters
    cm = n centimeter|centimeters
    mm = n millimeter|millimeters
    µm μm = n micrometer|micrometers + micron|microns
    nm = n nanometer|nanometers
    m/s = n meter per second|meters per second + meter a second|meters a second
    m² m2 sqm sq._m. sq_m = n square meter|square meters
    km² km2 sq_km = n square kilometer|square kilometers
    cm² cm2 = n square centimeter|square centimeters
    m³ m3 = n cubic meter|cubic meters
    cm³ cm3 cc = n cubic centimeter|cubic centimeters + c c|c c
    ft² sq_ft sq._ft. = n square foot|square feet
    mi = n mile|miles
    mph = n mile per hour|miles per hour + mile an hour|miles an hour + m p h|m p h
    mpg = n mile per gallon|miles per gallon + m p g|m p g
    ft ft. = n foot|feet
    in. inch = n inch|inches
    yd yd. yds = n yard|yards
    kg = n kilogram|kilograms + kilo|kilos + k g|k g
    g gm = n gram|grams
    mg = n milligram|milligrams
    µg μg mcg = n microgram|micrograms
    t = n ton|tons
    lb lb. lbs lbs. = n pound|pounds
    oz oz. = n ounce|ounces
    l L = n liter|liters
    ml mL = n milliliter|milliliters + mil|mils
    cl = n centiliter|centiliters
    dl = n deciliter|deciliters
    gal gal. = n gallon|gallons
    pt. = n pint|pints
    tsp tsp. = n teaspoon|teaspoons
    tbsp tbsp. = n tablespoon|tablespoons
    ° = n degree|degrees
    °C ℃ ºC = n degree celsius|degrees celsius + degree centigrade|degrees centigrade + degree c|degrees c
    °F ℉ ºF = n degree fahrenheit|degrees fahrenheit + degree f|degrees f
    K = n kelvin|kelvins
    h hr hrs hr. hrs. = n hour|hours
    min min. mins = n minute|minutes
    s sec sec. secs = n second|seconds
    ms = n millisecond|milliseconds
    GB = n gigabyte|gigabytes + gig|gigs + g b|g b
    MB = n megabyte|megabytes + meg|megs + m b|m b
    KB kB = n kilobyte|kilobytes + k b|k b
    TB = n terabyte|terabytes + t b|t b
    Mbps Mb/s Mbit/s = n megabit per second|megabits per second + m b p s|m b p s
    Gbps Gb/s Gbit/s = n gigabit per second|gigabits per second + g b p s|g b p s
    kbps = n kilobit per second|kilobits per second + k b p s|k b p s
    Hz = n hertz
    kHz = n kilohertz
    MHz = n megahertz
    GHz = n gigahertz
    fps = n frame per second|frames per second + f p s|f p s
    rpm = n revolution per minute|revolutions per minute + r p m|r p m
    bpm = n beat per minute|beats per minute + b p m|b p m
    V = n volt|volts
    kV = n kilovolt|kilovolts
    mV = n millivolt|millivolts
    W = n watt|watts
    kW = n kilowatt|kilowatts
    MW = n megawatt|megawatts
    GW = n gigawatt|gigawatts
    kWh = n kilowatt hour|kilowatt hours
    mAh = n milliamp hour|milliamp hours + milliampere hour|milliampere hours
    mA = n milliamp|milliamps + milliampere|milliamperes
    J = n joule|joules
    kJ = n kilojoule|kilojoules
    kcal = n kilocalorie|kilocalories
    cal = n calorie|calories
    N = n newton|newtons
    Pa = n pascal|pascals
    hPa = n hectopascal|hectopascals
    kPa = n kilopascal|kilopascals
    psi = n pound per square inch|pounds per square inch + p s i|p s i
    dB = n decibel|decibels
    ha = n hectare|hectares
    hp = n horsepower
    px = n pixel|pixels
    ppm = n part per million|parts per million + p p m|p p m
    MP = n megapixel|megapixels
""")

CURRENCIES = nouns("""
    $ = n dollar|dollars + buck|bucks // ¢
    US$ USD = n US dollar|US dollars + dollar|dollars // ¢
    A$ AUD AU$ = n Australian dollar|Australian dollars + dollar|dollars // ¢
    C$ CA$ CAD = n Canadian dollar|Canadian dollars + dollar|dollars // ¢
    HK$ HKD = n Hong Kong dollar|Hong Kong dollars // ¢
    € EUR = n euro|euros // ¢
    £ GBP = n pound|pounds // p
    ¥ JPY = n yen
    RMB CNY = n yuan + R M B
    ₹ INR Rs. Rs = n rupee|rupees // paisa
    ₩ KRW = n won
    ₽ RUB = n ruble|rubles + rouble|roubles
    CHF = n Swiss franc|Swiss francs + franc|francs
    ¢ = n cent|cents
    p = n penny|pence + p|p
    paisa = n paisa|paise
    ₿ BTC = n bitcoin|bitcoins
""")

MAGNITUDES = nouns("""
    k K = n thousand
    M m mn = n million
    B bn b = n billion
    T tn trn = n trillion
    thousand = n thousand
    million = n million
    billion = n billion
    trillion = n trillion
    hundred = n hundred
""")

SIGNS = readings("""
    & = and | ampersand
    + = plus | and
    = = equals | is equal to | is | equal
    × = times | by | multiplied by
    ÷ = divided by
    # = number | hashtag | hash | pound | sharp
    @ = at
    % = percent | per cent
    ‰ = per mille
    § = section
    ° = degrees | degree
    ℃ = degrees celsius
    ~ = about | approximately | around | roughly | tilde
    ≈ = about | approximately | approximately equal to | is approximately
    < = less than | under
    > = greater than | more than | over
    ≤ = less than or equal to | at most
    ≥ = greater than or equal to | at least
    ± = plus or minus | plus minus
    ≠ = is not equal to | does not equal | not equal to
    − = minus
    $ = dollar | dollars
    € = euro | euros
    £ = pound | pounds
    ¥ = yen
    ₹ = rupees | rupee
    ¢ = cents | cent
    ² = squared | square
    ³ = cubed | cubic
    π = pi
    √ = square root of | the square root of
    ∞ = infinity
    µ = micro
    № = number
""")
SILENT = readings("""
    * = | asterisk | star | times
    / = | slash | per | or | divided by | over
    _ = | underscore
    \\ = | backslash
    ^ = | to the power of | caret
    | = | pipe | vertical bar
    → = | to | arrow
    ← = | arrow
    © = | copyright
    ® = | registered
    ™ = | trademark
    • = | bullet
""")
ADDRESS_SIGNS = readings("""
    . = dot
    / = slash
    @ = at
    - = dash | hyphen | minus
    _ = underscore
    : = colon
    ? = question mark
    = = equals
    & = and | ampersand
    # = hash | hashtag | pound
    + = plus
    % = percent
    ~ = tilde
""")

ABBREVIATIONS = readings("""
    e. g. = for example | e g | for instance
    i. e. = that is | i e
    etc. = et cetera | etc
    a. k. a. = also known as | a k a
    vs. = versus | vs | v s
    approx. = approximately | approx
    dept. = department
    Inc. = Inc | incorporated
    Ltd. = Ltd | limited
    Corp. = Corp | corporation
    Bros. = brothers | bros
    Ave. = avenue
    Blvd. = boulevard
    Rd. = road
    Hwy. = highway
    Apt. = apartment
    Pkwy. = parkway
    Gov. = governor
    Sen. = senator
    Sgt. = sergeant
    Capt. = captain
    Lt. = lieutenant
    Cmdr. = commander
    Rev. = reverend | the reverend
    Pres. = president
    Supt. = superintendent
    Esq. = esquire
    vol. = volume
    vols. = volumes
    figs. = figures
    pp. = pages
    eds. = editors | editions
    misc. = miscellaneous
    tel. = telephone | tel
    ext. = extension
    govt. = government
    Mt. = mount | mountain
    Ph. D. = p h d | phd
    w/ = with
    w/o = without
    c/o = care of
    b/c = because
""")

EXACT = readings("""
    est. = established | estimated
    Est. = established
    Co. = Co | company
    Col. = colonel
    sec. = section | second | seconds
    ch. = chapter
    Ch. = chapter
    ed. = edition | editor | ed
    Ed. = edition | editor | ed
    min. = minimum | minute | minutes
    max. = maximum | max
    Gen. = general
    Rep. = representative
    Hon. = honorable | the honorable
    fig. = figure
    Fig. = figure
""")

_CONTRACTED = """
    can't = cannot | can not
    cannot = can not
    won't = will not
    shan't = shall not
    ain't = is not | am not | are not
    let's = let us
    y'all = you all
    ma'am = madam
    gonna = going to
    wanna = want to
    gotta = got to
    gimme = give me
    lemme = let me
    o'clock = o clock
    'cause = because | cause
    'em = them | em
    'til = till | until
    mr = mister
    mrs = missus | missis
    ms = miz | miss
    messrs = messieurs
    prof = professor
    jr = junior
    sr = senior
    vs = versus | v s
    ok = okay | o k
    okay = ok | o k
    mmm = mm | hmm |
    hmm = hm | mm | hum |
    um = umm | uhm |
    umm = um |
    uh = er | ah |
    er = uh |
    uhh = uh |
    tv = t v
    wifi = wi fi
    alright = all right
    till = until
    thru = through
    tho = though
    nite = night
    donut = doughnut
    omelet = omelette
    hi-fi = hifi | high fi
    aluminium = aluminum
    aeroplane = airplane
    mum = mom
    mums = moms
    mummy = mommy
    yeah = yes | yea
    percent = per cent
    no one = no-one | noone
    oh = o
    ps = p s
    pm = p m
    am = a m
    www = w w w
"""
_PRONOUNS = "i you we they he she it that there who what where when how this here why".split()


def variants() -> dict[str, tuple[str, ...]]:
    """Words that may be said or spelt otherwise, each with itself first."""
    made = {word: (word, *said) for word, said in readings(_CONTRACTED).items()}
    made["am"] = ("am", "a m")
    for negated in "is are was were do does did has have had would could should must need might ought dare may".split():
        made[f"{negated}n't"] = (f"{negated}n't", f"{negated} not")
    for word in _PRONOUNS:
        made[f"{word}'s"] = (f"{word}'s", f"{word} is", f"{word} has")
        made[f"{word}'ll"] = (f"{word}'ll", f"{word} will", f"{word} shall")
        made[f"{word}'d"] = (f"{word}'d", f"{word} had", f"{word} would")
        made[f"{word}'re"] = (f"{word}'re", f"{word} are")
        made[f"{word}'ve"] = (f"{word}'ve", f"{word} have")
    made["i'm"] = ("i'm", "i am")
    for word in "would could should might must".split():
        made[f"{word}'ve"] = (f"{word}'ve", f"{word} have")
    del made["yeah"], made["till"], made["i's"]
    return made


VARIANTS = variants()
CODES = frozenset(
    """room flight bus route highway interstate apartment apt suite code pin number no zip channel extension ext gate line
    boeing airbus model section form class unit dial call text press phone hotel train platform area postcode password
    studio locker box paragraph bill error http hwy freeway nr psalm""".split()
)
NUMBERED = frozenset(
    """chapter part war act scene volume vol type phase stage book section class tier level grade article appendix figure
    table page step unit round super bowl title mark group block season episode vitamin factor generation""".split()
)
KINGS = frozenset(
    """elizabeth charles james george henry richard edward william mary francis frederick louis peter paul catherine
    nicholas alexander napoleon ferdinand philip leopold otto benedict pius john leo gregory clement innocent urban
    ramesses xerxes darius ivan albert juan felipe carlos isabella wilhelm franz joseph maximilian umberto vittorio
    victor emmanuel pope king queen emperor tsar haakon harald olav gustav christian margrethe baudouin rama""".split()
)
