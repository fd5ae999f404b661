"""An obvious venue of one symbol: a list of orders, and balances in whole satoshis."""

SATOSHI = 10**8
#: Satoshis of the quote asset in one tick of the price.
TICK = 10**6
HOUSE = "house"


class Line:
    """What rests in the list."""

    def __init__(self, account, number, side, price, left):
        self.account, self.number, self.side = account, number, side
        self.price, self.left = price, left


class Model:
    """Quantities are whole units of the base asset, prices whole ticks."""

    def __init__(self, accounts, money, units):
        self.lines = []
        self.free = {(each, "USD"): money * SATOSHI for each in accounts}
        self.free |= {(each, "AAA"): units * SATOSHI for each in accounts}
        self.free |= {(HOUSE, "USD"): 0, (HOUSE, "AAA"): 0}
        self.orders = {}
        """Account, side, price or None, status, filled and prevented of each number."""
        self.trades = []

    # What is asked

    def place(self, account, side, price, quantity, how):
        """Number of the order, or None where it is refused; `how` is time in force and mode."""
        tif, mode = how
        if self.funds(account, side) < self.need(account, side, price, quantity, mode):
            return None
        number = 1001 + len(self.orders)
        order = {"account": account, "side": side, "price": price, "quantity": quantity}
        self.orders[number] = order | {"status": "NEW", "filled": 0, "prevented": 0}
        if tif == "FOK" and self.reachable(account, side, price, mode, quantity) < quantity:
            self.orders[number]["status"] = "EXPIRED"
            return number
        left = self.take((account, number, mode), side, price, quantity)
        if self.orders[number]["status"] not in {"NEW", "PARTIALLY_FILLED"}:
            return number
        if tif != "GTC" or price is None:
            self.orders[number]["status"] = "EXPIRED"
        else:
            self.lines.append(Line(account, number, side, price, left))
        return number

    def cancel(self, number):
        self.end(number, "CANCELED")

    def amend(self, number, quantity):
        order = self.orders[number]
        by = order["quantity"] - quantity
        order["quantity"] = quantity
        (line,) = [each for each in self.lines if each.number == number]
        line.left -= by

    def offer(self, levels):
        """Let the house have so much at these sides and prices."""
        for (side, price), quantity in levels.items():
            for line in self.of_house(side, price):
                line.left = min(line.left, quantity)
        self.sweep()
        for (side, price), quantity in levels.items():
            there = self.of_house(side, price)
            if quantity > sum(line.left for line in there):
                self.lines = [line for line in self.lines if line not in there]
                left = self.take((HOUSE, None, "EXPIRE_MAKER"), side, price, quantity)
                if left:
                    self.lines.append(Line(HOUSE, None, side, price, left))

    def fill(self, number, quantity):
        (line,) = [each for each in self.lines if each.number == number]
        self.trade(HOUSE, None, line, quantity)
        self.sweep()

    # What is known

    def open(self, account=None):
        return [
            line.number
            for line in sorted(self.lines, key=lambda line: line.number or 0)
            if line.number and account in (None, line.account)
        ]

    def locked(self, account, asset):
        return sum(
            line.left * (line.price * TICK if asset == "USD" else SATOSHI)
            for line in self.lines
            if line.account == account and (line.side == "BUY") == (asset == "USD")
        )

    def depth(self, side):
        levels = {}
        for line in self.lines:
            if line.side == side:
                levels[line.price] = levels.get(line.price, 0) + line.left
        return sorted(levels.items(), reverse=side == "BUY")

    # How it goes

    def funds(self, account, side):
        asset = "USD" if side == "BUY" else "AAA"
        return self.free[account, asset] - self.locked(account, asset)

    def need(self, account, side, price, quantity, mode):
        if side == "SELL":
            return quantity * SATOSHI
        if price is not None:
            return quantity * price * TICK
        cost = 0
        for line in self.queue("BUY", None):
            if line.account != account or mode == "NONE":
                taken = min(quantity, line.left)
                cost, quantity = cost + taken * line.price * TICK, quantity - taken
        return cost

    def queue(self, side, price):
        """What an order of that side meets, in turn."""
        sign = 1 if side == "BUY" else -1
        met = [
            line
            for line in self.lines
            if line.side != side and (price is None or sign * line.price <= sign * price)
        ]
        return sorted(met, key=lambda line: sign * line.price)  # stable: the older one first

    def reachable(self, account, side, price, mode, quantity):
        found = 0
        for line in self.queue(side, price):
            if found >= quantity:
                break
            if line.account == account and mode != "NONE":
                if mode != "EXPIRE_MAKER":
                    break
                continue
            found += line.left
        return found

    def take(self, taker, side, price, left):
        account, number, mode = taker
        for line in self.queue(side, price):
            if not left:
                break
            if line.account == account and mode != "NONE":
                left = self.prevent(number, line, left, mode)
                if mode in {"EXPIRE_TAKER", "EXPIRE_BOTH"}:
                    break
                continue
            taken = min(left, line.left)
            self.trade(account, number, line, taken, side)
            left -= taken
        self.sweep()
        return left

    def prevent(self, number, line, left, mode):
        maker = {"EXPIRE_TAKER": 0, "DECREMENT": min(left, line.left)}.get(mode, line.left)
        taker = {"EXPIRE_MAKER": 0, "DECREMENT": min(left, line.left)}.get(mode, left)
        line.left -= maker
        for which, part, rest in ((line.number, maker, line.left), (number, taker, left - taker)):
            if which is not None and part:
                self.orders[which]["prevented"] += part
                if not rest:
                    self.orders[which]["status"] = "EXPIRED_IN_MATCH"
        return left - taker

    def trade(self, account, number, line, quantity, side=None):
        side = side or ("SELL" if line.side == "BUY" else "BUY")
        line.left -= quantity
        quote, base = quantity * line.price * TICK, quantity * SATOSHI
        for who, which, its_side in (
            (account, number, side),
            (line.account, line.number, line.side),
        ):
            gets, gives = (base, quote) if its_side == "BUY" else (quote, base)
            got, given = ("AAA", "USD") if its_side == "BUY" else ("USD", "AAA")
            self.free[who, given] -= gives
            self.free[who, got] += gets if who == HOUSE else gets - gets // 1000
            if which is not None:
                order = self.orders[which]
                order["filled"] += quantity
                is_over = order["filled"] + order["prevented"] == order["quantity"]
                order["status"] = "FILLED" if is_over else "PARTIALLY_FILLED"
        self.trades.append((number, line.number, line.price, quantity))

    def of_house(self, side, price):
        return [
            line
            for line in self.lines
            if line.account == HOUSE and (line.side, line.price) == (side, price)
        ]

    def sweep(self):
        self.lines = [line for line in self.lines if line.left]

    def end(self, number, status):
        self.orders[number]["status"] = status
        self.lines = [line for line in self.lines if line.number != number]
