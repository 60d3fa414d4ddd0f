"""Portuguese tables: units, money, signs, abbreviations; of Brazil and of Portugal."""

from speech.readings.european import nouns, readings

MONTHS = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
UNITS = nouns("""
    % = m por cento + porcento
    ‰ = m por mil
    km = m quilômetro|quilômetros + quilómetro|quilómetros
    km/h = m quilômetro por hora|quilômetros por hora + quilómetro por hora|quilómetros por hora
    m = m metro|metros
    cm = m centímetro|centímetros
    mm = m milímetro|milímetros
    nm = m nanômetro|nanômetros
    m/s = m metro por segundo|metros por segundo
    m² m2 = m metro quadrado|metros quadrados
    km² km2 = m quilômetro quadrado|quilômetros quadrados
    cm² = m centímetro quadrado|centímetros quadrados
    m³ m3 = m metro cúbico|metros cúbicos
    cm³ cc = m centímetro cúbico|centímetros cúbicos
    ha = m hectare|hectares
    kg Kg = m quilograma|quilogramas + quilo|quilos
    g gr = m grama|gramas
    mg = m miligrama|miligramas
    µg = m micrograma|microgramas
    t = f tonelada|toneladas
    l L = m litro|litros
    ml mL = m mililitro|mililitros
    cl = m centilitro|centilitros
    °C ℃ ºC = m grau Celsius|graus Celsius + grau centígrado|graus centígrados + grau|graus
    °F = m grau Fahrenheit|graus Fahrenheit
    h hs = f hora|horas
    min min. = m minuto|minutos
    s seg seg. = m segundo|segundos
    ms = m milissegundo|milissegundos
    GB = m gigabyte|gigabytes + giga|gigas
    MB = m megabyte|megabytes + mega|megas
    KB = m quilobyte|quilobytes
    TB = m terabyte|terabytes + tera|teras
    Mbps = m megabit por segundo|megabits por segundo
    Hz = m hertz
    kHz = m quilohertz
    MHz = m megahertz
    GHz = m gigahertz
    V = m volt|volts
    W = m watt|watts
    kW = m quilowatt|quilowatts
    MW = m megawatt|megawatts
    kWh = m quilowatt hora|quilowatts hora
    mAh = m miliampère hora|miliampères hora
    kcal = f quilocaloria|quilocalorias
    dB = m decibel|decibéis
    cv = m cavalo|cavalos
""")
CURRENCIES = nouns("""
    R$ BRL = m real|reais // centavos
    € EUR euros = m euro|euros // cêntimos
    $ US$ USD = m dólar|dólares // centavos
    £ GBP = f libra|libras + libra esterlina|libras esterlinas // pence
    ¥ = m iene|ienes
    CHF = m franco suíço|francos suíços
    ₽ = m rublo|rublos
    centavos = m centavo|centavos + cêntimo|cêntimos
    cêntimos = m cêntimo|cêntimos + centavo|centavos
    pence = m pêni|pence
    reais = m real|reais // centavos
""")
MAGNITUDES = nouns("""
    mil = m mil
    M mi = m milhão|milhões
    bi = m bilhão|bilhões
    tri = m trilhão|trilhões
    milhão milhões = m milhão|milhões
    bilhão bilhões = m bilhão|bilhões
    bilião biliões = m bilião|biliões
    k K = m mil
""")
SIGNS = readings("""
    & = e | and
    + = mais
    = = igual a | é igual a | igual
    × = vezes | por
    ÷ = dividido por
    # = número | hashtag | cerquilha | jogo da velha
    @ = arroba
    % = por cento | porcento
    ‰ = por mil
    § = parágrafo
    ° = graus | grau
    ℃ = graus Celsius
    ~ = cerca de | aproximadamente | uns | umas
    ≈ = aproximadamente | cerca de
    < = menor que | menos de
    > = maior que | mais de
    ± = mais ou menos | mais menos
    − = menos
    € = euros | euro
    $ = dólares | dólar
    £ = libras
    ² = ao quadrado | quadrado
    ³ = ao cubo | cúbico
    № = número
""")
SILENT = {
    "*": ("", "asterisco", "vezes"), "/": ("", "barra", "por", "ou"), "_": ("", "sublinhado", "underline"), "|": ("",),
    "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",),
}  # fmt: skip
ADDRESS_SIGNS = readings("""
    . = ponto
    / = barra
    @ = arroba
    - = hífen | traço | menos
    _ = sublinhado | underline
    : = dois pontos
    & = e
    # = hashtag
    + = mais
""")
ABBREVIATIONS = readings("""
    Sr. = senhor
    Sra. = senhora
    Srta. = senhorita
    Srs. = senhores
    Dr. = doutor
    Dra. = doutora
    Drs. = doutores
    D. = dona | dom
    Prof. = professor
    Profa. = professora
    Profª. = professora
    Eng. = engenheiro | engenheira
    Exmo. = excelentíssimo
    Ilmo. = ilustríssimo
    V. Exa. = vossa excelência
    p. ex. = por exemplo
    etc. = etcétera | et cetera
    pág. = página
    págs. = páginas
    p. = página
    n. = número
    núm. = número
    Av. = avenida
    R. = rua
    Pça. = praça
    Al. = alameda
    Rod. = rodovia
    Tel. = telefone
    aprox. = aproximadamente
    cap. = capítulo
    vol. = volume
    art. = artigo
    fig. = figura
    máx. = máximo | máxima
    mín. = mínimo | mínima
    a. C. = antes de Cristo
    d. C. = depois de Cristo
    S. A. = s a | sociedade anônima
    Ltda. = limitada
    Cia. = companhia
    depto. = departamento
    apto. = apartamento
    séc. = século
    Gov. = governador
    Pres. = presidente
    Gen. = general
    Cel. = coronel
    S. = São | Santo
    Sto. = Santo
    Sta. = Santa
    ex. = exemplo
    obs. = observação
    vs. = versus | contra
    i. e. = isto é
    jan. = janeiro
    fev. = fevereiro
    abr. = abril
    jun. = junho
    jul. = julho
    ago. = agosto
    set. = setembro
    out. = outubro
    nov. = novembro
    dez. = dezembro
""")
VARIANTS = readings("""
    sr = senhor
    sra = senhora
    dr = doutor
    dra = doutora
    nº = número
    n° = número
    etc = etcétera | et cetera
    etcétera = etc
    ok = okay | o k
    okay = ok
    né = não é
    pra = para a | para
    pro = para o
    pras = para as
    pros = para os
    tá = está
    cê = você
    eh = é
    www = w w w
    porcento = por cento
""")
HOMOPHONES = """
    a à há ah; as às; o oh ó; cem sem; sessão seção cessão secção; conserto concerto; acento assento; cozer coser; vez vês; traz trás; mal mau
    houve ouve; hora ora; cela sela; censo senso; caçar cassar; chá xá; taxa tacha; por pôr; para pára; têm tem; vêm vem; pelo pêlo; polo pólo
    idéia ideia; vôo voo; enjôo enjoo; lêem leem; vêem veem; crêem creem; dêem deem; facto fato; contacto contato; húmido úmido; húmidos úmidos
    quatorze catorze; dezesseis dezasseis; dezessete dezassete; dezenove dezanove; bilhão bilião; bilhões biliões
    porque porquê; que quê; quilômetro quilómetro; quilômetros quilómetros; econômico económico; econômica económica; antônio antónio
    acadêmico académico; polêmica polémica; gênero género; bebê bebé; metrô metro; cômodo cómodo; tênis ténis; milhão milhao; dois doiz; voo vôo
    electrónico eletrônico eletrónico; registo registro; cotidiano quotidiano; loira loura; ouro oiro; dezembro desembro; conosco connosco; comum comun
"""
RULES = [("^h", ""), ("ü", "u"), ("éi(?=[ao])", "ei"), ("ói(?=[aoc])", "oi"), ("cç", "ç"), ("pç", "ç"), ("(?<=[óeéo])pt(?=[io])", "t"), ("(?<=[aeiou])ct(?=[aou])", "t"),
         ("ç", "ss"), ("sc(?=[eiéíê])", "ss"), ("(?<=.)c(?=[eiéíê])", "ss"), ("(?<=[aeiouáéíóúâêôãõ])s(?=[aeiouáéíóúâêôãõ])", "z"), ("(?<=[nrl])ss", "s"), ("z$", "s"),
         ("ch", "x"), ("ô(?=[mn])", "ó"), ("ê(?=[mn])", "é"), ("à", "a"), ("ph", "f")]  # fmt: skip
