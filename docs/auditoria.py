"""python3 auditoria.py CARPETA: recuenta una lotería sin usar nada del sistema que la llevó.

Lee bets.csv, acta.txt y, después del sorteo, acta-sorteo.txt. Termina con 0 si todo coincide, con 1
si algo difiere y con 2 si falta un archivo. La firma de acta.txt se verifica con openssl.
"""
import csv
import sys
from collections import defaultdict
from datetime import date
from hashlib import sha256
from pathlib import Path

NUMERO_GANADOR = 7574
diferencias = 0


def comparar(que, esperado, hallado):
    global diferencias
    diferencias += esperado != hallado
    print(f"ok       {que}: {hallado}" if esperado == hallado
          else f"DIFIERE  {que}: se esperaba {esperado}, se encontró {hallado}")


def leer_acta(ruta):
    """Devuelve lo que dice un acta, por clave; también el título es una clave."""
    lineas = ruta.read_bytes().decode().removesuffix("\n").split("\n")
    pares = [linea.partition(": ")[::2] for linea in lineas if not linea.startswith("void: ")]
    comparar(f"claves distintas de {ruta.name}", len(pares), len(dict(pares)))
    return dict(pares)


def comparar_acta(acta, contado, unidad, cuentas, agencias):
    """Compara con lo contado todo lo que dice un acta, salvo la hora."""
    contado[unidad] = str(sum(cantidad for cantidad, _ in cuentas.values()))
    for agencia, (cantidad, sha) in {agencia: cuentas[agencia] for agencia in agencias}.items():
        contado[f"agency {agencia}"] = f"{unidad} {cantidad} sha256 {sha.hexdigest()}"
    for clave in sorted({*acta, *contado} - {"closed", "drawn"}):
        comparar(clave, acta.get(clave), contado.get(clave))


def leer_apuesta(fila):
    """Devuelve la agencia, la línea del documento y si gana; falla si la fila no es una apuesta."""
    (agencia, nombre, apellido, documento, nacimiento, numero), = csv.reader([fila.decode()])
    if not (nombre and apellido and len(documento) <= 10 and documento.encode().isdigit()
            and date.fromisoformat(nacimiento) and 0 < int(agencia) < 65536
            and 0 <= int(numero) < 10000):
        raise ValueError("un campo no es válido")
    return agencia, f"{documento}\n".encode(), int(numero) == NUMERO_GANADOR


def auditar(carpeta):
    acta, archivo = leer_acta(carpeta / "acta.txt"), sha256()
    apuestas, ganadores = (defaultdict(lambda: [0, sha256()]) for _ in range(2))
    for n, fila in enumerate(open(carpeta / "bets.csv", "rb"), 1):
        archivo.update(fila)
        try:
            agencia, documento, gana = leer_apuesta(fila)
            for cuentas, linea in [(apuestas, fila), (ganadores, documento)][:1 + gana]:
                cuentas[agencia][0] += 1
                cuentas[agencia][1].update(linea)
        except (ValueError, csv.Error) as error:
            comparar(f"fila {n} de bets.csv", "una apuesta", f"{fila[:99]} ({error})")
    agencias = [clave[7:] for clave in acta if clave.startswith("agency ")]
    dado = {"lottery": acta.get("lottery"), "acta": acta.get("acta")}
    contado = {"loteria-acta 1": "", "bytes": str((carpeta / "bets.csv").stat().st_size),
               "sha256": archivo.hexdigest()}
    comparar_acta(acta, {**dado, **contado}, "bets", apuestas, {*agencias, *apuestas})
    if not (carpeta / "acta-sorteo.txt").exists():
        return print("no hay acta-sorteo.txt: el sorteo no se verifica")
    contado = {"loteria-sorteo 1": "", "number": str(NUMERO_GANADOR),
               "acta-sha256": sha256((carpeta / "acta.txt").read_bytes()).hexdigest()}
    sorteo = leer_acta(carpeta / "acta-sorteo.txt")
    comparar_acta(sorteo, {**dado, **contado}, "winners", ganadores, {*agencias, *ganadores})


try:
    auditar(Path(*sys.argv[1:2]))
except FileNotFoundError as error:
    sys.exit(print(f"falta {error.filename}") or 2)
sys.exit(print(f"diferencias: {diferencias}") or diferencias > 0)
