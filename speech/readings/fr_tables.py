"""French tables: units, money, signs, abbreviations."""

from speech.readings.european import nouns, readings

MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
UNITS = nouns("""
    % = m pour cent + pourcent
    ‰ = m pour mille
    km = m kilomètre|kilomètres
    km/h = m kilomètre heure|kilomètres heure + kilomètre par heure|kilomètres par heure + kilomètre à l'heure|kilomètres à l'heure
    m = m mètre|mètres
    cm = m centimètre|centimètres
    mm = m millimètre|millimètres
    µm = m micromètre|micromètres
    nm = m nanomètre|nanomètres
    m/s = m mètre par seconde|mètres par seconde
    m² m2 = m mètre carré|mètres carrés
    km² km2 = m kilomètre carré|kilomètres carrés
    cm² = m centimètre carré|centimètres carrés
    m³ m3 = m mètre cube|mètres cubes
    cm³ = m centimètre cube|centimètres cubes
    ha = m hectare|hectares
    kg Kg = m kilogramme|kilogrammes + kilo|kilos
    g gr = m gramme|grammes
    mg = m milligramme|milligrammes
    µg = m microgramme|microgrammes
    t = f tonne|tonnes
    l L = m litre|litres
    ml mL = m millilitre|millilitres
    cl cL = m centilitre|centilitres
    dl = m décilitre|décilitres
    ° = m degré|degrés
    °C ℃ ºC = m degré Celsius|degrés Celsius + degré|degrés
    °F = m degré Fahrenheit|degrés Fahrenheit
    h = f heure|heures
    min min. mn = f minute|minutes
    s sec sec. = f seconde|secondes
    ms = f milliseconde|millisecondes
    Go GB = m gigaoctet|gigaoctets + giga|gigas
    Mo MB = m mégaoctet|mégaoctets + méga|mégas
    Ko ko = m kilooctet|kilooctets
    To TB = m téraoctet|téraoctets + téra|téras
    Mbit/s Mb/s Mbps = m mégabit par seconde|mégabits par seconde
    Hz = m hertz
    kHz = m kilohertz
    MHz = m mégahertz
    GHz = m gigahertz
    V = m volt|volts
    W = m watt|watts
    kW = m kilowatt|kilowatts
    MW = m mégawatt|mégawatts
    GW = m gigawatt|gigawatts
    kWh = m kilowattheure|kilowattheures + kilowatt heure|kilowatts heure
    mAh = m milliampère heure|milliampères heure
    kcal = f kilocalorie|kilocalories
    hPa = m hectopascal|hectopascals
    dB = m décibel|décibels
    ch CV = m cheval|chevaux
    px = m pixel|pixels
""")
CURRENCIES = nouns("""
    € EUR euros = m euro|euros // centimes
    $ US$ USD $US = m dollar|dollars // cents
    £ GBP = f livre|livres + livre sterling|livres sterling // pence
    ¥ = m yen|yens
    CHF = m franc suisse|francs suisses + franc|francs // centimes
    ₽ = m rouble|roubles
    F = m franc|francs // centimes
    centimes ct cts = m centime|centimes + cent|cents
    cents = m cent|cents + centime|centimes
    pence = m penny|pence
""")
MAGNITUDES = nouns("""
    mille = m mille
    M = m million|millions
    Md Mds Mrd = m milliard|milliards
    million millions = m million|millions
    milliard milliards = m milliard|milliards
    k K = m mille
""")
SIGNS = readings("""
    & = et | and
    + = plus
    = = égale | égal | est égal à | égal à | font | fait
    × = fois | par | sur
    ÷ = divisé par
    # = numéro | dièse | hashtag
    @ = arobase | arrobase | at
    % = pour cent | pourcent
    ‰ = pour mille
    § = paragraphe
    ° = degrés | degré
    ℃ = degrés Celsius
    ~ = environ | à peu près
    ≈ = environ | à peu près égal à
    < = inférieur à | moins de | plus petit que
    > = supérieur à | plus de | plus grand que
    ± = plus ou moins
    − = moins
    € = euros | euro
    $ = dollars | dollar
    £ = livres
    ² = au carré | carré
    ³ = au cube | cube
    № = numéro
""")
SILENT = {
    "*": ("", "astérisque", "fois", "étoile"), "/": ("", "slash", "par", "ou", "barre oblique"), "_": ("", "underscore", "tiret bas"),
    "|": ("",), "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = point
    / = slash | barre oblique
    @ = arobase | arrobase | at
    - = tiret | trait d'union | moins
    _ = underscore | tiret bas | souligné
    : = deux points
    & = et
    # = dièse
    + = plus
""")
ABBREVIATIONS = readings("""
    p. ex. = par exemple
    c.-à-d. = c'est-à-dire
    c. à d. = c'est-à-dire
    etc. = et cetera | et cætera
    env. = environ
    av. = avenue | avant
    bd. = boulevard
    boul. = boulevard
    pl. = place
    st. = saint
    ste. = sainte
    tél. = téléphone
    vol. = volume
    chap. = chapitre
    art. = article
    fig. = figure
    éd. = édition
    n. b. = nota bene | n b
    av. j.-c. = avant Jésus-Christ
    apr. j.-c. = après Jésus-Christ
    max. = maximum
    min. = minimum | minutes | minute
    dr. = docteur
    pr. = professeur
    prof. = professeur
    mgr. = monseigneur
    cf. = confer | c f
    janv. = janvier
    févr. = février
    juill. = juillet
    sept. = septembre
    oct. = octobre
    nov. = novembre
    déc. = décembre
    s. v. p. = s'il vous plaît
    hab. = habitants
    ex. = exemple
    resp. = respectivement
    vs. = versus | contre
""")
EXACT = readings("""
    M. = monsieur
    MM. = messieurs
    Mme. = madame
    no. = numéro
    pp. = pages
""")
VARIANTS = readings("""
    mme = madame
    mmes = mesdames
    mlle = mademoiselle
    mlles = mesdemoiselles
    mr = monsieur
    mgr = monseigneur
    dr = docteur
    pr = professeur
    me = maître
    n° = numéro
    nº = numéro
    bd = boulevard | b d
    svp = s'il vous plaît | s v p
    stp = s'il te plaît | s t p
    etc = et cetera | et cætera
    cf = confer | c f
    ok = okay | o k | d'accord
    okay = ok
    puis = puis
    cela = ça
    ça = cela
    ouais = oui
    euh = heu |
    heu = euh |
    hum = hm |
    parce que = parce que
    pourcent = pour cent
    www = w w w
    on = l'on
    l'on = on
""")
GENDERS = {
    **dict.fromkeys("an ans mois jour jours kilo kilos euro euros mètre mètres litre litres kilomètre kilomètres siècle livre livres homme hommes enfant enfants élève élèves point points pays but buts habitant habitants dollar centime million milliard degré degrés verre verres groupe problème groupe arbre arbres chien chien chat chats ami amis film films invité invités membre membres gramme grammes pour mille exemplaire exemplaires musée étudiants étudiant".split(), "m"),
    **dict.fromkeys("heure heures minute minutes seconde secondes semaine semaines année années fois personne personnes femme femmes fille filles place places page pages maison maisons tasse tasses pomme pommes voiture voitures ville villes table tables chambre chambres équipe équipes école écoles porte portes lettre lettres victoire victoires cuillère cuillères tonne tonnes tranche tranches photo photos nuit nuits voix fleur fleurs main mains vie vies bouteille bouteilles".split(), "f"),
}  # fmt: skip
HOMOPHONES = """
    ces ses c'est s'est sait sais; les lé; et é; ok okay; clef clé; e-mail email; week-end weekend; paie paye; évènement événement; cuillère cuiller
    bistro bistrot; a à ah as; la là l'a las; ou où août; ça sa ç'a; ce se; mail mel; cetera cætera; yaourt yogourt; tsar tzar
"""
