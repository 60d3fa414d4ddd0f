"""Spanish tables: units, money, signs, abbreviations."""

from speech.readings.european import nouns, readings

MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
UNITS = nouns("""
    % = m por ciento + porciento
    ‰ = m por mil
    km kms = m kilómetro|kilómetros
    km/h = m kilómetro por hora|kilómetros por hora + kilómetro a la hora|kilómetros a la hora
    m = m metro|metros
    cm = m centímetro|centímetros
    mm = m milímetro|milímetros
    µm = m micrómetro|micrómetros
    nm = m nanómetro|nanómetros
    m/s = m metro por segundo|metros por segundo
    m² m2 = m metro cuadrado|metros cuadrados
    km² km2 = m kilómetro cuadrado|kilómetros cuadrados
    cm² = m centímetro cuadrado|centímetros cuadrados
    m³ m3 = m metro cúbico|metros cúbicos
    cm³ cc = m centímetro cúbico|centímetros cúbicos
    ha = f hectárea|hectáreas
    kg kgs = m kilogramo|kilogramos + kilo|kilos
    g gr grs = m gramo|gramos
    mg = m miligramo|miligramos
    µg = m microgramo|microgramos
    t = f tonelada|toneladas
    lb lbs = f libra|libras
    l L = m litro|litros
    ml mL = m mililitro|mililitros
    cl = m centilitro|centilitros
    ° = m grado|grados
    °C ℃ ºC = m grado Celsius|grados Celsius + grado centígrado|grados centígrados + grado|grados
    °F = m grado Fahrenheit|grados Fahrenheit
    h hrs. hrs hs. = f hora|horas
    min min. = m minuto|minutos
    s seg seg. = m segundo|segundos
    ms = m milisegundo|milisegundos
    GB = m gigabyte|gigabytes + giga|gigas + g b
    MB = m megabyte|megabytes + mega|megas + m b
    KB = m kilobyte|kilobytes
    TB = m terabyte|terabytes + tera|teras
    Mbps Mb/s = m megabit por segundo|megabits por segundo
    Hz = m hercio|hercios + hertz
    kHz = m kilohercio|kilohercios + kilohertz
    MHz = m megahercio|megahercios + megahertz
    GHz = m gigahercio|gigahercios + gigahertz
    V = m voltio|voltios
    W = m vatio|vatios
    kW = m kilovatio|kilovatios
    MW = m megavatio|megavatios
    GW = m gigavatio|gigavatios
    kWh = m kilovatio hora|kilovatios hora
    mAh = m miliamperio hora|miliamperios hora
    kcal = f kilocaloría|kilocalorías
    cal = f caloría|calorías
    hPa = m hectopascal|hectopascales
    dB = m decibelio|decibelios + decibel|decibeles
    CV = m caballo|caballos + caballo de vapor|caballos de vapor
""")
CURRENCIES = nouns("""
    € EUR euros = m euro|euros // céntimos
    $ US$ USD = m dólar|dólares + peso|pesos // centavos
    MXN = m peso mexicano|pesos mexicanos + peso|pesos // centavos
    £ GBP = f libra|libras + libra esterlina|libras esterlinas // peniques
    ¥ = m yen|yenes
    S/ = m sol|soles // céntimos
    ₽ = m rublo|rublos
    CHF = m franco suizo|francos suizos
    céntimos cts. = m céntimo|céntimos + centavo|centavos
    centavos ¢ = m centavo|centavos + céntimo|céntimos + centavo de dólar|centavos de dólar
    peniques = m penique|peniques
""")
MAGNITUDES = nouns("""
    mil = m mil
    M = m millón|millones
    millón millones = m millón|millones
    mill. = m millón|millones
    billón billones = m billón|billones
    k K = m mil
""")
SIGNS = readings("""
    & = y | e | and
    + = más
    = = igual a | es igual a | igual | son | es
    × = por
    ÷ = entre | dividido por | dividido entre
    # = número | almohadilla | hashtag | numeral
    @ = arroba
    % = por ciento | porciento
    ‰ = por mil
    § = párrafo | sección
    ° = grados | grado
    ℃ = grados Celsius
    ~ = aproximadamente | unos | unas | cerca de | alrededor de
    ≈ = aproximadamente | unos | unas
    < = menor que | menos de
    > = mayor que | más de
    ± = más menos | más o menos
    − = menos
    € = euros | euro
    $ = dólares | dólar | pesos
    £ = libras | libra
    ² = al cuadrado | cuadrado
    ³ = al cubo | cúbico
    № = número
""")
SILENT = {
    "*": ("", "asterisco", "por"), "/": ("", "barra", "por", "o"), "_": ("", "guion bajo"), "|": ("",), "→": ("", "a"),
    "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = punto
    / = barra
    @ = arroba
    - = guion | guión | menos
    _ = guion bajo | guión bajo
    : = dos puntos
    & = y
    # = almohadilla
    + = más
""")
ABBREVIATIONS = readings("""
    Sr. = señor
    Sra. = señora
    Srta. = señorita
    Sres. = señores
    Dr. = doctor
    Dra. = doctora
    D. = don
    Dña. = doña
    Da. = doña
    Ud. = usted
    Uds. = ustedes
    Vd. = usted
    Vds. = ustedes
    p. ej. = por ejemplo
    etc. = etcétera
    pág. = página
    págs. = páginas
    núm. = número
    nº. = número
    Prof. = profesor | profesora
    Ing. = ingeniero | ingeniera
    Lic. = licenciado | licenciada
    Gral. = general
    Av. = avenida
    Avda. = avenida
    C/ = calle
    Pza. = plaza
    Pl. = plaza
    Ctra. = carretera
    Sta. = santa
    Sto. = santo
    Tel. = teléfono
    tfno. = teléfono
    aprox. = aproximadamente | aproximado
    cap. = capítulo
    vol. = volumen
    art. = artículo
    fig. = figura
    máx. = máximo | máxima
    mín. = mínimo | mínima
    ee. uu. = estados unidos
    a. C. = antes de Cristo
    d. C. = después de Cristo
    dpto. = departamento
    izq. = izquierda
    dcha. = derecha
    vs. = versus | contra
    S. A. = s a | sociedad anónima
    km. = kilómetro | kilómetros
    s. = siglo
    ss. = siguientes
    admón. = administración
    Cía. = compañía
    Mons. = monseñor
    Fr. = fray
    depto. = departamento
""")
EXACT = readings("""
    nº = número
    Nº = número
    n.º = número
    N.º = número
    n° = número
""")
VARIANTS = readings("""
    sr = sr | señor
    sra = sra | señora
    dr = dr | doctor
    dra = dra | doctora
    nº = número
    n° = número
    etcétera = etc
    etc = etcétera
    ok = ok | okay | okey
    okay = okay | ok | okey
    setiembre = setiembre | septiembre
    porque = porque | por que
    eh = eh | ah |
    www = w w w
    sino = sino | si no
    adonde = adonde | a donde
    adónde = adonde | a donde
""")
HOMOPHONES = """
    si sí; el él; mi mí; tu tú; te té; de dé; se sé; mas más; que qué; solo sólo; este éste; esta ésta; estos éstos; estas éstas
    ese ése; esa ésa; esos ésos; esas ésas; aquel aquél; aquella aquélla; como cómo; cuando cuándo; donde dónde; quien quién; quienes quiénes
    cual cuál; cuales cuáles; cuanto cuánto; cuanta cuánta; cuantos cuántos; cuantas cuántas; aun aún; o ó u; guion guión; truhan truhán
    ha a ah; he e eh; ay hay ahí; haber aver; hecho echo; hola ola; hasta asta; México Méjico; méxico méjico; texas tejas
    setiembre septiembre; psicología sicología; oscuro obscuro; substancia sustancia; kilómetro quilómetro; fue fué; dio dió; vio vió; fui fuí
    video vídeo; futbol fútbol; chofer chófer; periodo período; icono ícono; zenit cénit cenit; reemplazar remplazar; alrededor alrrededor
    yo llo; transporte trasporte; hindú indú; whisky güisqui; adios adiós; solamente sólamente; adonde adónde; porque porqué; tras atrás
"""
RULES = [("ch", "X"), ("h", ""), ("v", "b"), ("ll", "y"), ("qu(?=[eiéí])", "k"), ("c(?=[eiéí])", "s"), ("z", "s"), ("c", "k"), ("gu(?=[eiéí])", "G"),
         ("g(?=[eiéí])", "j"), ("G", "g"), ("^ps", "s"), ("y$", "i"), ("^x", "s"), ("w", "gu"), ("ü", "u")]  # fmt: skip
