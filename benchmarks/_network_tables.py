def print_table(rows, seconds):
    pass


def draw(rows, path, seconds):
    pass
