"""The obvious venue: one contract, a list of orders, prices in cents, no accounts."""

from decimal import Decimal

SOURCE = 0


class Line:
    """An order of the list; number 0 is the source's quote."""

    def __init__(self, number, side, price, left, turn):
        self.number, self.side, self.price, self.left, self.turn = number, side, price, left, turn


class Model:
    def __init__(self):
        self.book = []
        self.unmet = []
        self.trades = []
        self.filled = {}
        self.ended = {}
        self.turn = 0

    def best(self, side, limit=None):
        """First order of that side which a limit of the other side meets."""
        found = [
            line
            for line in self.book
            if line.side == side
            and (limit is None or (line.price <= limit if side == "SELL" else line.price >= limit))
        ]
        if side == "SELL":
            return min(found, key=lambda line: (line.price, line.turn), default=None)
        return min(found, key=lambda line: (-line.price, line.turn), default=None)

    def cross(self, number, side, limit, left):
        other = "SELL" if side == "BUY" else "BUY"
        while left and (met := self.best(other, limit)):
            quantity = min(left, met.left)
            met.left -= quantity
            left -= quantity
            for who in (met.number, number):
                if who != SOURCE:
                    self.trades.append((who, quantity, met.price))
                    self.filled[who] = self.filled.get(who, 0) + quantity
            if not met.left:
                self.book.remove(met)
        return left

    def rest(self, number, side, price, left):
        if left:
            self.turn += 1
            self.book.append(Line(number, side, price, left, self.turn))

    def place(self, number, side, limit, quantity, tif):
        self.filled.setdefault(number, 0)
        other = "SELL" if side == "BUY" else "BUY"
        if tif == "FOK":
            there = sum(
                line.left
                for line in self.book
                if line.side == other
                and (
                    limit is None or (line.price <= limit if side == "BUY" else line.price >= limit)
                )
            )
            if there < quantity:
                self.ended[number] = quantity
                return
        left = self.cross(number, side, limit, quantity)
        if tif in ("IOC", "FOK"):
            if left:
                self.ended[number] = left
        elif limit is None:
            if left:
                self.unmet.append((number, side, left))
        else:
            self.rest(number, side, limit, left)
        self.serve()

    def serve(self):
        """Let market orders that found nobody trade with what is there now."""
        is_served = True
        while is_served:
            is_served = False
            for place, (number, side, left) in enumerate(self.unmet):
                if self.best("SELL" if side == "BUY" else "BUY") is not None:
                    self.unmet[place] = (number, side, self.cross(number, side, None, left))
                    is_served = True
            self.unmet = [item for item in self.unmet if item[2]]

    def cancel(self, number):
        for line in list(self.book):
            if line.number == number:
                self.book.remove(line)
                self.ended[number] = line.left
        for item in list(self.unmet):
            if item[0] == number:
                self.unmet.remove(item)
                self.ended[number] = item[2]

    def modify(self, number, price, quantity):
        (line,) = [line for line in self.book if line.number == number]
        left = quantity - self.filled[number]
        if price == line.price and left <= line.left:
            line.left = left
            return
        self.book.remove(line)
        self.rest(number, line.side, price, self.cross(number, line.side, price, left))
        self.serve()

    def quote(self, bid, ask, bid_size, ask_size):
        self.book = [line for line in self.book if line.number != SOURCE]
        if bid is not None:
            self.rest(SOURCE, "BUY", bid, self.cross(SOURCE, "BUY", bid, bid_size))
        if ask is not None:
            self.rest(SOURCE, "SELL", ask, self.cross(SOURCE, "SELL", ask, ask_size))
        self.serve()

    def fill(self, number, quantity):
        (line,) = [line for line in self.book if line.number == number]
        line.left -= quantity
        self.trades.append((number, quantity, line.price))
        self.filled[number] += quantity
        if not line.left:
            self.book.remove(line)

    def top(self):
        """Best bid and ask with their sizes, in units."""
        found = []
        for side in ("BUY", "SELL"):
            best = self.best(side)
            if best is None:
                found += [None, 0]
            else:
                same = [
                    line.left for line in self.book if (line.side, line.price) == (side, best.price)
                ]
                found += [Decimal(best.price) / 100, sum(same)]
        return tuple(found)
