"""`python -m kundenkreis` is `kreis`."""

from kundenkreis.cli.main import main

if __name__ == "__main__":
    main()
