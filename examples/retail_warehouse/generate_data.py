"""Write one day of a small retail company as CSV files: customers, products, orders, stock.

Constructed data: the same day always gives the same rows. Standard library only, so that it also is the script of
the node "stage_landing" of the package beside it.

usage: generate_data.py DAY [FOLDER]     DAY as 2026-03-01; FOLDER is the bucket "retail" of the object store by default
"""

import csv
import os
import random
import sys
from datetime import date, timedelta
from pathlib import Path

SEED = 20260301
CUSTOMERS, PRODUCTS, ORDERS = 500, 120, 3000
CITIES = ["Shenzhen", "Chengdu", "Xi'an", "Hangzhou", "Nanjing", "Wuhan"]
SEGMENTS = ["new", "regular", "vip"]
CATEGORIES = ["grocery", "home", "toys", "garden", "electronics"]
CHANNELS = ["web", "app", "store"]


def customers():
    """id, name, city, segment, registered on: the same on every day."""
    chance = random.Random(SEED)
    for number in range(1, CUSTOMERS + 1):
        registered = date(2024, 1, 1) + timedelta(days=chance.randrange(700))
        segment = chance.choices(SEGMENTS, weights=[2, 6, 1])[0]
        yield [number, f"Customer {number:04}", chance.choice(CITIES), segment, registered.isoformat()]


def products():
    """id, name, category, price with two decimals: the same on every day."""
    chance = random.Random(SEED + 1)
    for number in range(1, PRODUCTS + 1):
        cents = chance.randrange(199, 49_999)
        yield [number, f"Product {number:03}", chance.choice(CATEGORIES), f"{cents // 100}.{cents % 100:02}"]


def orders(day):
    """id, customer, product, quantity, channel, ordered at. A few lines come twice, a few have no quantity."""
    chance = random.Random(f"{SEED}-orders-{day}")
    for number in range(1, ORDERS + 1):
        moment = f"{day} {chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}"
        customer, product = chance.randrange(1, CUSTOMERS + 1), chance.randrange(1, PRODUCTS + 1)
        quantity = "" if chance.random() < 0.005 else chance.randrange(1, 9)
        row = [f"{day.replace('-', '')}{number:05}", customer, product, quantity, chance.choice(CHANNELS), moment]
        yield row
        if chance.random() < 0.01:
            yield row


def stock(day):
    """product, warehouse, on hand, reorder level, counted on."""
    chance = random.Random(f"{SEED}-stock-{day}")
    for product in range(1, PRODUCTS + 1):
        for warehouse in ("north", "south"):
            yield [product, warehouse, chance.randrange(0, 200), chance.choice([20, 40]), day]


def write(path, header, rows):
    """Write beside, then rename: a reader never sees half a file. Returns the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name("." + path.name)
    count = 0
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    beside.replace(path)
    return count


def main(day, folder):
    """All four files of a day below ``folder/landing``; prints how many rows each has."""
    landing = Path(folder) / "landing"
    counts = {
        "customers": write(
            landing / "customers" / "customers.csv", ["id", "name", "city", "segment", "registered_on"], customers()
        ),
        "products": write(landing / "products" / "products.csv", ["id", "name", "category", "price"], products()),
        "orders": write(
            landing / "orders" / f"dt={day}" / "orders.csv",
            ["id", "customer_id", "product_id", "quantity", "channel", "ordered_at"],
            orders(day),
        ),
        "stock": write(
            landing / "stock" / f"dt={day}" / "stock.csv",
            ["product_id", "warehouse", "on_hand", "reorder_level", "counted_on"],
            stock(day),
        ),
    }
    for name, count in counts.items():
        print(f"{name}: {count} rows")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    date.fromisoformat(sys.argv[1])
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else os.path.join(os.environ["HEADRACE_OBS_ROOT"], "retail"))
